const NEWLINE = 0x0a;

/** The bytes of a file or a reply, in pieces. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Lines without their newlines, and what follows the last newline. */
export interface LineBatch {
  readonly lines: readonly Uint8Array[];
  /** Only in the last batch: bytes that no newline ends, if there are any. */
  readonly rest?: Uint8Array;
}

/**
 * The lines of a stream, as many at a time as a piece of it has. Throws `RangeError` as soon as a line
 * has more than `maxBytes`, so memory is bounded whatever the stream is.
 */
export async function* readLines(
  source: ByteSource,
  maxBytes: number,
): AsyncGenerator<LineBatch, void> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const take = (piece: Uint8Array): Uint8Array => {
    if (pendingBytes + piece.length > maxBytes) {
      throw new RangeError(`a line has more than ${maxBytes} bytes`);
    }
    if (pending.length === 0) return piece;
    const line = Buffer.concat([...pending, piece]);
    pending = [];
    pendingBytes = 0;
    return line;
  };
  for await (const chunk of source) {
    const lines: Uint8Array[] = [];
    try {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        lines.push(take(chunk.subarray(start, end)));
        start = end + 1;
      }
      if (start < chunk.length) {
        const piece = chunk.subarray(start);
        if (pendingBytes + piece.length > maxBytes) take(piece);
        // A copy: whoever made the chunk may use its memory again.
        pending.push(piece.slice());
        pendingBytes += piece.length;
      }
    } finally {
      // Also the lines before one that is too long.
      if (lines.length > 0) yield { lines };
    }
  }
  if (pendingBytes > 0) yield { lines: [], rest: take(new Uint8Array()) };
}
