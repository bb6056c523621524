/** What may cross to another thread without taking more along, and without being copied twice. */

/** Below this a copy is cheaper than a transfer: own measurement. */
const TRANSFER_FROM_BYTES = 4096;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The same bytes in a buffer of their own: the array itself if it has one, else a copy. A view of a
 * larger buffer would take all of it along, other secrets of a pool included.
 */
export function ownBytes(bytes: Uint8Array): Bytes {
  return hasOwnBuffer(bytes) ? (bytes as Bytes) : new Uint8Array(bytes);
}

/** For `postMessage`: the buffers worth a transfer. The sender's views of them end. */
export function transferList(...views: readonly ArrayBufferView[]): ArrayBuffer[] {
  return views
    .filter((view) => view.byteLength >= TRANSFER_FROM_BYTES && hasOwnBuffer(view))
    .map((view) => view.buffer as ArrayBuffer);
}

function hasOwnBuffer({ buffer, byteLength }: ArrayBufferView): boolean {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
}
