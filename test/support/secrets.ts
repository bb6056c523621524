/** Looks for planted values in everything a node leaves behind. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Every file below a folder, with its bytes. */
export function filesBelow(folder: string): { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path, bytes: readFileSync(path) }));
}

/** A value in the forms in which a program would write it, and its digests, by which it can be guessed. */
function formsOf(value: string | number): readonly Buffer[] {
  const text = Buffer.from(String(value));
  if (typeof value === 'number') {
    const little = Buffer.alloc(8);
    little.writeDoubleLE(value);
    const big = Buffer.from(little).reverse();
    const digests = [text, little, big].flatMap(digestsOf);
    return [text, little, big, ...[little, big].map(asText), ...digests];
  }
  const utf16 = Buffer.from(value, 'utf16le');
  return [text, utf16, Buffer.from(text.toString('base64')), asText(text), ...digestsOf(text)];
}

function digestsOf(bytes: Buffer): readonly Buffer[] {
  const digest = createHash('sha256').update(bytes).digest();
  return [digest, asText(digest), Buffer.from(digest.toString('base64'))];
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
