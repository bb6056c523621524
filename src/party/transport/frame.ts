/**
 * Frames of the data plane. One frame is one gRPC message with this header, big-endian:
 *
 *   offset size
 *        0    1  kind: 1 open, 2 label, 3 data, 4 close, 5 ack, 6 mark, 7 countersign
 *        1    1  flags of a data frame: bit 0 first, bit 1 last chunk of its message
 *        2    2  bytes of the type name; only in a first chunk
 *        4    4  label id
 *        8    8  sequence number
 *       16    4  bytes of the whole message; only in a first chunk
 *       20    4  bytes of the payload
 *       24       type name, then payload
 *
 * A message is cut into chunks of exactly CHUNK_BYTES and a rest; chunks of different labels may
 * alternate. `label` frames name the ids that follow, counted from 1; id 0 is the root channel.
 *
 *   kind   payload  sequence number                                        hashed  sent again
 *   open   MAC      of the frame that comes next; first on every stream    no      made anew
 *   label  path     its own, from 0 on                                     yes     byte for byte
 *   data   chunk    its own                                                yes     byte for byte
 *   mark   receipt  its own; no label or data comes after the last one     yes     byte for byte
 *   count- signed   its own                                                yes     byte for byte
 *    ersign
 *   close  none     its own; no frame but `ack` comes after it             no      byte for byte
 *   ack    none     of the other direction's frame that is lacking next    no      the newest only
 *
 * Marks and countersignatures are those of `phase-marks.ts`. Each direction ends with a last mark, and
 * with `close` once it has countersigned the other's.
 */
import { SessionError } from '../errors.ts';

export const HEADER_BYTES = 24;

/** Payload of a full chunk: between 256 KiB and 1 MiB gRPC streams are fastest. */
export const CHUNK_BYTES = 1 << 20;

/** Longest type name and label path, in bytes. */
export const MAX_NAME_BYTES = 1024;

/** Largest frame on the wire. */
export const MAX_FRAME_BYTES = HEADER_BYTES + MAX_NAME_BYTES + CHUNK_BYTES;

export type FrameKind = 'open' | 'label' | 'data' | 'close' | 'ack' | 'mark' | 'countersign';

const KINDS: readonly (FrameKind | undefined)[] = [
  undefined,
  'open',
  'label',
  'data',
  'close',
  'ack',
  'mark',
  'countersign',
];

const FIRST = 1;
const LAST = 2;

/** What a frame carries, before it has a number. */
export interface FrameBody {
  readonly kind: FrameKind;
  readonly label: number;
  readonly first: boolean;
  readonly last: boolean;
  /** Empty except in a first chunk. */
  readonly type: string;
  /** 0 except in a first chunk. */
  readonly messageLength: number;
  readonly payload: Uint8Array;
}

export interface Frame extends FrameBody {
  readonly sequence: number;
  /** Everything before the payload, as it is on the wire. */
  readonly head: Uint8Array;
}

/** A frame without flags, type or message length. */
export function plainBody(kind: FrameKind, label: number, payload: Uint8Array): FrameBody {
  return { kind, label, first: false, last: false, type: '', messageLength: 0, payload };
}

/** The chunks of a message; views of `bytes`. An empty message is one empty chunk. */
export function chunksOf(label: number, type: string, bytes: Uint8Array): FrameBody[] {
  const chunks: FrameBody[] = [];
  let offset = 0;
  do {
    const end = Math.min(offset + CHUNK_BYTES, bytes.length);
    const first = offset === 0;
    chunks.push({
      kind: 'data',
      label,
      first,
      last: end === bytes.length,
      type: first ? type : '',
      messageLength: first ? bytes.length : 0,
      payload: bytes.subarray(offset, end),
    });
    offset = end;
  } while (offset < bytes.length);
  return chunks;
}

/** Header and type name of a frame. */
export function encodeHead(body: FrameBody, sequence: number): Buffer {
  const typeLength = body.type === '' ? 0 : Buffer.byteLength(body.type);
  const head = Buffer.allocUnsafe(HEADER_BYTES + typeLength);
  head[0] = KINDS.indexOf(body.kind);
  head[1] = (body.first ? FIRST : 0) | (body.last ? LAST : 0);
  head.writeUInt16BE(typeLength, 2);
  head.writeUInt32BE(body.label, 4);
  head.writeUInt32BE(Math.floor(sequence / 2 ** 32), 8);
  head.writeUInt32BE(sequence >>> 0, 12);
  head.writeUInt32BE(body.messageLength, 16);
  head.writeUInt32BE(body.payload.length, 20);
  if (typeLength > 0) head.write(body.type, HEADER_BYTES, 'utf8');
  return head;
}

/**
 * Decodes one frame; `head` and `payload` are views of `bytes`. Throws `SessionError` `MALFORMED`
 * unless the frame is one that `encodeHead` could have made.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < HEADER_BYTES) throw malformed('a frame shorter than its header');
  const { buffer, byteOffset, byteLength } = bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  const kind = KINDS[bytes[0]!];
  if (!kind) throw malformed('a frame of unknown kind');
  const flags = bytes[1]!;
  const typeLength = view.getUint16(2);
  const high = view.getUint32(8);
  const messageLength = view.getUint32(16);
  const payloadLength = view.getUint32(20);
  const first = (flags & FIRST) !== 0;
  const last = (flags & LAST) !== 0;

  if (flags > (FIRST | LAST) || (kind !== 'data' && flags !== 0)) throw malformed('unknown flags');
  if (high >= 2 ** 21) throw malformed('a sequence number above 2^53');
  if (typeLength > MAX_NAME_BYTES) throw malformed('a type name too long');
  if (first !== typeLength > 0) throw malformed('a type name out of place');
  if (!first && messageLength !== 0) throw malformed('a message length out of place');
  if (payloadLength > CHUNK_BYTES) throw malformed('a chunk too long');
  if (bytes.length !== HEADER_BYTES + typeLength + payloadLength) {
    throw malformed('a frame of another length than its header says');
  }
  const headLength = HEADER_BYTES + typeLength;
  return {
    kind,
    label: view.getUint32(4),
    first,
    last,
    type: first ? decodeName(bytes.subarray(HEADER_BYTES, headLength)) : '',
    messageLength,
    sequence: high * 2 ** 32 + view.getUint32(12),
    head: bytes.subarray(0, headLength),
    // Whoever receives the message gets this array: no Buffer, whose slice() is another thing.
    payload: new Uint8Array(buffer, byteOffset + headLength, payloadLength),
  };
}

/** Printable ASCII. Throws `MALFORMED` on anything else: names reach logs and error texts. */
export function decodeName(bytes: Uint8Array): string {
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) throw malformed('a name that is not printable ASCII');
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Throws `RangeError` unless `decodeName` would accept the name. */
export function checkName(name: string): void {
  if (!/^[\x20-\x7e]*$/.test(name) || name.length > MAX_NAME_BYTES) {
    throw new RangeError(`"name" expected at most ${MAX_NAME_BYTES} printable ASCII characters`);
  }
}

export function malformed(what: string): SessionError {
  return new SessionError('MALFORMED', `the peer sent ${what}`);
}
