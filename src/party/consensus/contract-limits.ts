/*
 * Bounds of a contract. Apart from its schema: who checks a bound need not load what checks a schema, hundreds
 * of modules.
 */

/** Largest contract in canonical bytes, before anything of it is parsed. Own choice. */
export const MAX_CONTRACT_BYTES = 1 << 20;
export const MAX_PARTIES = 16;
/** Model columns of all parties together: a numeric feature has one, a categorical its `categories`. */
export const MAX_COLUMNS = 10_000;
/** Levels of one categorical feature; with more it is no category. */
export const MAX_CATEGORIES = 1000;
/** Columns that make one key together. Own choice. */
export const MAX_KEY_COLUMNS = 16;
/** Columns that one party lets a labelled intersection's receiver learn. Own choice. */
export const MAX_PAYLOAD_COLUMNS = 256;
/** Rows of one dataset: 2^31 - 1, what an Int32Array can index. */
export const MAX_ROWS = 2 ** 31 - 1;
/** Rounds of a forest. Own choice. */
export const MAX_TREES = 10_000;
/** Classes of a label. Own choice. */
export const MAX_CLASSES = 1000;
