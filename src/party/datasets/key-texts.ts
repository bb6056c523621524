import { isAscii } from 'node:buffer';
import type { TextColumn, TextColumnBuilder } from '../../protocols/psi/text-column.ts';
import { canonicalKey, NOT_A_KEY } from './cells.ts';

/** A cell that holds no key. */
export interface KeyFault {
  readonly code: 'bad_key' | 'missing_key';
  /** From 0. */
  readonly row: number;
}

const SPACE = 0x20;
const NOT_A_KEY_BYTE = NOT_A_KEY.charCodeAt(0);

/**
 * Adds the canonical form of key cells to a column, or says which is the first without a key; some of
 * the rows before it are added then. What `canonicalKey` gives for every text, at the price of a
 * string only where a text is not ASCII.
 */
export function appendKeys(to: TextColumnBuilder, cells: TextColumn): KeyFault | null {
  if (areCanonical(cells)) {
    to.appendColumn(cells);
    return null;
  }
  const { bytes, starts } = cells;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let row = 0; row + 1 < starts.length; row++) {
    let from = starts[row]!;
    let end = starts[row + 1]!;
    if (end - from === 1 && bytes[from] === NOT_A_KEY_BYTE) return { code: 'bad_key', row };
    if (!isAsciiRange(bytes, from, end)) {
      const text = buffer.toString('utf8', from, end); // keeps a byte order mark
      const key = canonicalKey(text);
      if (key === '') return { code: 'missing_key', row };
      if (key !== text) {
        to.append([key]);
        continue;
      }
    }
    while (from < end && isSpace(bytes[from]!)) from++;
    while (from < end && isSpace(bytes[end - 1]!)) end--;
    if (from === end) return { code: 'missing_key', row };
    to.appendUtf8(bytes, from, end);
  }
  return null;
}

/** Whether every text is known to be a key as it stands. */
function areCanonical({ bytes, starts }: TextColumn): boolean {
  if (!isAscii(bytes)) return false;
  for (let row = 0; row + 1 < starts.length; row++) {
    const from = starts[row]!;
    const end = starts[row + 1]!;
    if (from === end || bytes[from]! <= SPACE || bytes[end - 1]! <= SPACE) return false;
  }
  return true;
}

function isAsciiRange(bytes: Uint8Array, from: number, end: number): boolean {
  let all = 0;
  for (let i = from; i < end; i++) all |= bytes[i]!;
  return all < 0x80;
}

/** ASCII's part of what `String.prototype.trim` removes. */
function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= 0x09 && byte <= 0x0d);
}
