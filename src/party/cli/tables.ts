/** Controls, also those of eight bits, marks that turn the direction of text, and line ends. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Text as a terminal may show it: names of other parties and of files are not ours. */
export function printable(text: string): string {
  return text.replace(STEERING, '?');
}

/** A value as JSON in one line, in which nothing steers a terminal either. */
export function printableJson(value: unknown): string {
  const escaped = (character: string): string =>
    character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return JSON.stringify(value).replace(STEERING, escaped);
}

/** Rows as aligned columns; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => printable(cell).padEnd(widths[i]!));
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** Names and values below each other, indented; what is null or empty is left out. */
export function facts(entries: readonly (readonly [string, string | null | undefined])[]): string {
  const present = entries.filter(([, value]) => value !== null && value !== undefined);
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `  ${name.padEnd(width)}  ${printable(value!)}\n`)
    .join('');
}

/** A metric as people compare it; a dash where it cannot be computed. */
export function figure(value: number | null): string {
  if (value === null) return '-';
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

/** `95 s`, `12 min`, `3.5 h`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** `812 B`, `1.2 kB`, `25.6 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}
