/**
 * Private set intersection with labels: as rr22-psi.ts, and the receiver gets the sender's record of
 * each common item, encrypted under a second output of the pseudorandom function.
 *
 * Functionality: the receiver learns X ∩ Y and the records of the items in it; the sender learns
 *   X ∩ Y if `resultTo` is 'both'.
 *   Sender   in: Y, n_y distinct items, a record of L bytes each    out: rows of Y in X ∩ Y, or nothing
 *   Receiver in: X, n_x distinct items    out: rows of X in X ∩ Y and their records
 *
 * Security: semi-honest, one corruption; that of rr22-psi.ts. The key G(y) of a record is the output
 *   of a function independent of F, whose prefix is public: to R it is uniform unless y is in X. A
 *   record is masked by H(G(y) ^ b), b = 0, 1, ...: a single-key Even-Mansour cipher with feed-forward,
 *   a PRF of b under G(y) for an ideal permutation, and G(y) masks this record alone. With D blocks and
 *   T evaluations of AES, distinguishing has probability about D (D + T) / 2^128.
 *   Records are not authenticated: S may send what it likes, as it may in the clear.
 * Leaks:    as rr22-psi.ts; L. Not the lengths of records: padded to L by the sender.
 * Cost:     as rr22-psi.ts and n_y L bytes from S in the same round. R keeps L |X ∩ Y| of them.
 *
 * Names: as in rr22-psi.ts; G = second function, L = bytes of a record, H = hash of the key stream.
 */
import { createHash } from 'node:crypto';
import {
  LabelledReceiverSize,
  LabelledRecords,
  LabelledSenderSize,
} from '../../../proto/gen/psi.ts';
import type { Channel } from '../channel.ts';
import { ProtocolError } from '../errors.ts';
import { BLOCK_BYTES, FixedKeyHash } from '../primitives/hash.ts';
import type { Rng } from '../primitives/rng.ts';
import { ascending, gatherRows } from '../primitives/rows.ts';
import { checkLength } from '../primitives/words.ts';
import type { MatchedPairs } from './arriving-matches.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { malformed } from './malformed.ts';
import { receiveMatchedRows, sendPositions } from './matching.ts';
import type { Payload } from './payload-records.ts';
import { randomPermutation } from './random-permutation.ts';
import { MAX_EVALUATED, type Rr22Receiver, type Rr22Sender } from './rr22-oprf.ts';
import { maskBytes, type Rr22PsiOptions, receiveMasks, sendMasks } from './rr22-psi.ts';
import { checkOwnItems, decodeSize } from './set-size.ts';

/** Longest record that a run takes. */
export const MAX_RECORD_BYTES = 65536;
/** Records a message take up to 512 KiB; one record at least. Part of the wire format. */
const BATCH_BYTES = 1 << 19;
/** Records of all matches of one run together: what one array holds everywhere. */
const MAX_MATCHED_BYTES = 2 ** 32 - 1;

export interface LabelledPsiOptions extends Rr22PsiOptions {
  /** Longest record that the sender may bring, up to `MAX_RECORD_BYTES`; agreed between them. */
  readonly maxRecordBytes: number;
}

export interface LabelledMatches {
  /** The receiver's rows of the common items, ascending. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Their records as the sender padded them, in the order of `rows`; rows.length x recordBytes. */
  readonly records: Uint8Array<ArrayBuffer>;
  /** L. */
  readonly recordBytes: number;
}

/** The receiver's role. Items, session, channel and errors as for `rr22PsiReceiver`. */
export async function labelledPsiReceiver(
  ch: Channel,
  oprf: Rr22Receiver,
  X: Uint8Array,
  options: LabelledPsiOptions,
): Promise<LabelledMatches> {
  const maxItems = Math.min(options.maxItems, MAX_EVALUATED);
  const nX = checkOwnItems(X, maxItems);
  checkMaxRecord(options);

  await ch.send(LabelledReceiverSize, { items: nX });

  const items = nX > 0 ? oprf.prepare(X) : null; // while the sender's size is under way
  const size = await ch.receive(LabelledSenderSize);
  const nY = decodeSize(size, maxItems);
  const L = decodeRecordBytes(size, options);
  if (!items || nY === 0) {
    return { rows: new Uint32Array(0), records: new Uint8Array(0), recordBytes: L };
  }
  const { masks: F, keys: G } = await oprf.evaluateWithKeys(items);
  const pairs = await receiveMasks(ch, F, nY, maskBytes(nX, nY, options));
  const records = await receiveRecords(ch, G, pairs, nY, L);

  if (options.resultTo === 'both') await sendPositions(ch, pairs.positions);

  return { ...inRowOrder(pairs.rows, records, L, nX), recordBytes: L };
}

/**
 * The sender's role. Items, session, channel and errors as for `rr22PsiSender`; row i of `payload` is
 * the record of item i.
 */
export async function labelledPsiSender(
  ch: Channel,
  oprf: Rr22Sender,
  Y: Uint8Array,
  payload: Payload,
  options: LabelledPsiOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer> | undefined> {
  const maxItems = Math.min(options.maxItems, MAX_EVALUATED);
  const nY = checkOwnItems(Y, maxItems);
  checkMaxRecord(options);
  const L = payload.recordBytes;
  if (!(Number.isInteger(L) && L >= 1 && L <= options.maxRecordBytes)) {
    throw new RangeError(`records expected 1 to ${options.maxRecordBytes} bytes, got ${L}`);
  }
  const isToLearn = options.resultTo === 'both';

  await ch.send(LabelledSenderSize, { items: nY, recordBytes: L });

  const order = randomPermutation(nY, rng); // while the receiver's size is under way
  const shuffled = gatherRows(Y, ITEM_BYTES, order);
  const nX = decodeSize(await ch.receive(LabelledReceiverSize), maxItems);
  if (nX === 0 || nY === 0) return isToLearn ? new Uint32Array(0) : undefined;
  const { masks: F, keys: G } = await oprf.evaluateWithKeys(shuffled, nX);
  await sendMasks(ch, F, maskBytes(nX, nY, options));
  await sendRecords(ch, G, payload, order);
  if (!isToLearn) return undefined;

  return receiveMatchedRows(ch, order, Math.min(nX, nY));
}

/** S: its records in `order`, that of the keys G. */
async function sendRecords(
  ch: Channel,
  G: Uint8Array,
  payload: Payload,
  order: Uint32Array,
): Promise<void> {
  const size = recordsPerMessage(payload.recordBytes);
  for (let from = 0; from < order.length; from += size) {
    const plain = payload.records(order.subarray(from, from + size));
    const keys = G.subarray(from * BLOCK_BYTES, (from + size) * BLOCK_BYTES);
    await ch.send(LabelledRecords, { records: maskRecords(plain, keys, payload.recordBytes) });
  }
}

/** R: the records of the pairs, in their order; keys G by its own rows. */
async function receiveRecords(
  ch: Channel,
  G: Uint8Array,
  { rows, positions }: MatchedPairs,
  nY: number,
  L: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (rows.length * L > MAX_MATCHED_BYTES) {
    throw new ProtocolError('OUT_OF_DOMAIN', `${rows.length} records of ${L} bytes are too many`);
  }
  const opened = new Uint8Array(rows.length * L);
  const size = recordsPerMessage(L);
  let done = 0;
  for (let from = 0; from < nY; from += size) {
    const count = Math.min(size, nY - from);
    const { records } = await ch.receive(LabelledRecords);
    checkLength(records, count * L);
    let end = done;
    while (end < positions.length && positions[end]! < from + count) end++;
    const matched = gatherRows(
      records,
      L,
      positions.subarray(done, end).map((p) => p - from),
    );
    const keys = gatherRows(G, BLOCK_BYTES, rows.subarray(done, end));
    opened.set(maskRecords(matched, keys, L), done * L);
    done = end;
  }
  return opened;
}

/** Records (k x L) XOR the key streams of their keys (k x 16): both directions; fresh. */
function maskRecords(records: Uint8Array, keys: Uint8Array, L: number): Uint8Array {
  const blocks = Math.ceil(L / BLOCK_BYTES);
  const stream = H.hash(counterBlocks(keys, blocks));
  const width = blocks * BLOCK_BYTES;
  const out = new Uint8Array(records.length);
  for (let row = 0, at = 0, pad = 0; at < records.length; row++, pad = row * width) {
    for (const end = at + L; at < end; at++, pad++) out[at] = records[at]! ^ stream[pad]!;
  }
  return out;
}

/** G ^ b for each key G and b < blocks; keys.length / 16 x blocks x 16. */
function counterBlocks(keys: Uint8Array, blocks: number): Uint8Array {
  const words = new Uint32Array(keys.slice().buffer);
  const out = new Uint32Array(words.length * blocks);
  for (let key = 0, at = 0; key < words.length; key += 4) {
    for (let b = 0; b < blocks; b++, at += 4) {
      out[at] = words[key]! ^ b;
      out[at + 1] = words[key + 1]!;
      out[at + 2] = words[key + 2]!;
      out[at + 3] = words[key + 3]!;
    }
  }
  return new Uint8Array(out.buffer);
}

/** Its key is public, fixed, and of this purpose alone. */
const H = new FixedKeyHash(
  createHash('sha256').update('entente/rr22/v1 record').digest().subarray(0, BLOCK_BYTES),
);

/** The rows, of nX, ascending, and the records with them. */
function inRowOrder(
  unordered: Uint32Array,
  records: Uint8Array,
  L: number,
  nX: number,
): Pick<LabelledMatches, 'rows' | 'records'> {
  const placeOf = new Uint32Array(nX); // of a row that is there
  unordered.forEach((row, k) => {
    placeOf[row] = k;
  });
  const rows = ascending(unordered, nX);
  return {
    rows,
    records: gatherRows(
      records,
      L,
      rows.map((row) => placeOf[row]!),
    ),
  };
}

function recordsPerMessage(L: number): number {
  return Math.max(1, Math.floor(BATCH_BYTES / L));
}

function checkMaxRecord({ maxRecordBytes }: LabelledPsiOptions): void {
  if (!(maxRecordBytes >= 1 && maxRecordBytes <= MAX_RECORD_BYTES)) {
    throw new RangeError(
      `"maxRecordBytes" expected 1 to ${MAX_RECORD_BYTES}, got ${maxRecordBytes}`,
    );
  }
}

function decodeRecordBytes(
  { recordBytes }: LabelledSenderSize,
  { maxRecordBytes }: LabelledPsiOptions,
): number {
  if (recordBytes < 1 || recordBytes > maxRecordBytes) {
    throw malformed(`expected records of 1 to ${maxRecordBytes} bytes, got ${recordBytes}`);
  }
  return recordBytes;
}
