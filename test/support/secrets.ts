/** Looks for planted values in everything a node leaves behind. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Every file below a folder, with its bytes. */
export function filesBelow(folder: string): { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path, bytes: readFileSync(path) }));
}

/** A value in the forms in which a program would write it. */
function formsOf(value: string | number): readonly Buffer[] {
  if (typeof value === 'number') {
    const little = Buffer.alloc(8);
    little.writeDoubleLE(value);
    const big = Buffer.from(little).reverse();
    return [Buffer.from(String(value)), little, big, ...[little, big].map(asText)];
  }
  const utf8 = Buffer.from(value);
  return [utf8, Buffer.from(value, 'utf16le'), Buffer.from(utf8.toString('base64')), asText(utf8)];
}

/** Which of the values stand in `bytes`, in any form. */
export function found(
  bytes: Uint8Array,
  values: readonly (string | number)[],
): (string | number)[] {
  const buffer = Buffer.from(bytes);
  return values.filter((value) => formsOf(value).some((form) => buffer.includes(form)));
}

function asText(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('hex'));
}
