import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that exists for one `describe` block. */
export interface ScratchFolder {
  /** Absolute, without links. */
  readonly path: string;
  /** Writes a file, with the folders it needs; returns its name. */
  write(name: string, content: string | Uint8Array): string;
}

/** Creates a folder now and removes it after the block that calls this. */
export function scratchFolder(): ScratchFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'entente-test-')));
  after(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), content);
      return name;
    },
  };
}

/** RFC 4180 text of a table, quoting only where needed unless told. */
export function csvText(
  rows: readonly (readonly string[])[],
  { newline = '\n', delimiter = ',', quoteAll = false } = {},
): string {
  const field = (text: string): string =>
    quoteAll || /["\r\n]/.test(text) || text.includes(delimiter) || text !== text.trim()
      ? `"${text.replaceAll('"', '""')}"`
      : text;
  return rows.map((row) => row.map(field).join(delimiter) + newline).join('');
}
