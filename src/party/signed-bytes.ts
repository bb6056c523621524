/**
 * What an identity signs: u32 length | domain | u32 length | message, big-endian, so that no message of
 * one domain is one of another.
 */
export function signedBytes(domain: string, message: Uint8Array): Uint8Array {
  if (domain === '') throw new TypeError('"domain" expected a tag, got nothing');
  const tag = Buffer.from(domain, 'utf8');
  const bytes = Buffer.alloc(8 + tag.length + message.length);
  bytes.writeUInt32BE(tag.length, 0);
  bytes.set(tag, 4);
  bytes.writeUInt32BE(message.length, 4 + tag.length);
  bytes.set(message, 8 + tag.length);
  return bytes;
}
