/** The records of a CSV file as RFC 4180 has it, read apart from what writes them. Null: nothing, and no quotes. */
export function csvRecords(text: string): (string | null)[][] {
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  for (let at = 0; at < text.length; ) {
    const cell = /"((?:[^"]|"")*)"|[^,\n]*/y;
    cell.lastIndex = at;
    const [raw, quoted] = cell.exec(text)!;
    record.push(quoted?.replaceAll('""', '"') ?? (raw === '' ? null : raw));
    at += raw.length;
    const end = text[at++];
    if (end === '\n') {
      records.push(record);
      record = [];
    } else if (end !== ',') {
      throw new Error(`expected , or a line's end at ${at - 1}`);
    }
  }
  return records;
}
