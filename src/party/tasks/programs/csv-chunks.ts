/** Characters a chunk, about. */
const CHUNK_CHARACTERS = 1 << 16;

/**
 * A CSV file of records, in chunks of UTF-8. Fields are quoted as RFC 4180 §2 has it, also where a
 * reader could take another character for the delimiter. Lines end with LF: tools that work by lines
 * would take a CR for a part of the last field.
 */
export function csvChunks(records: Iterable<readonly string[]>): Uint8Array[] {
  const encoder = new TextEncoder();
  const chunks: Uint8Array[] = [];
  let text = '';
  for (const record of records) {
    text += `${record.map(quoted).join(',')}\n`;
    if (text.length < CHUNK_CHARACTERS) continue;
    chunks.push(encoder.encode(text));
    text = '';
  }
  if (text !== '') chunks.push(encoder.encode(text));
  return chunks;
}

function quoted(field: string): string {
  return field === '' || /[",;|\s]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
