import { deepEqual, doesNotMatch, equal } from 'node:assert/strict';
import fc from 'fast-check';
import {
  createDatasets,
  type DatasetDraft,
  type LoadedDataset,
} from '../../../src/party/datasets/datasets.ts';
import { csvText, scratchFolder } from '../../support/scratch-folder.ts';
import { onlyKeys } from '../../support/text-columns.ts';

describe('datasets of any CSV', () => {
  const folder = scratchFolder();
  const datasets = createDatasets(
    { roots: [folder.path], threads: 1, memoryLimit: '256MB' },
    (length) => new Uint8Array(length),
  );
  const load = async (path: string, more: Partial<DatasetDraft> = {}): Promise<LoadedDataset> => {
    const { terms, salt } = await datasets.terms({
      path,
      type: 'csv',
      keyColumns: ['id'],
      label: null,
      selectColumns: null,
      discreteColumns: [],
      ...more,
    });
    return datasets.load(terms, salt, {});
  };

  it('reads back any text and number that RFC 4180 can hold', async () => {
    const text = fc.oneof(
      fc.string({
        unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', '\r\n', ' ', 'é', "'", '\\'),
      }),
      fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll('\0', '')),
    );
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    const row = fc.record({ text, number: fc.option(number) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.record({
          newline: fc.constantFrom('\n', '\r\n'),
          delimiter: fc.constantFrom(',', ';', '\t', '|'),
          quoteAll: fc.boolean(),
        }),
        fc.constantFrom('', '\uFEFF'),
        fc.nat(3),
        async (rows, style, bom, blanks) => {
          const table = [
            ['id', 'name', 'x'],
            ...rows.map(({ text, number }, i) => [
              `k${i}`,
              `t${text}.`,
              number === null ? '' : `${number}`,
            ]),
          ];
          const content = bom + csvText(table, style) + style.newline.repeat(blanks);
          const path = folder.write('p.csv', content);
          const all = rows.every(({ number }) => number === null);
          const byName = await load(path, {
            keyColumns: ['name'],
            selectColumns: all ? ['id'] : ['x'],
            discreteColumns: all ? ['id'] : [],
          });
          const keys = rows.map(({ text }) => `t${text}.`.trim().normalize('NFC'));
          deepEqual(onlyKeys(byName), keys);
          if (all) return;
          rows.forEach(({ number }, i) => {
            if (number !== null) equal(byName.features[i], number + 0); // -0 + 0 is 0
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads a damaged file right, or refuses it, and never by its values', async () => {
    const clean = csvText([
      ['id', 'x'],
      ...Array.from({ length: 12 }, (_, i) => [`k${i}`, `${900 + i}`]),
    ]);
    const headerLength = clean.indexOf('k0');
    const damage = fc.record({
      at: fc.nat(clean.length),
      cut: fc.nat(3),
      put: fc.constantFrom(
        '',
        '"',
        ',',
        '\n',
        '\r',
        '\r\n',
        '\0',
        '\xff',
        '1',
        ' ',
        '""',
        '\n\n',
        '#',
      ),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, cut, put }) => {
        const text = clean.slice(0, at) + put + clean.slice(at + cut);
        const path = folder.write('d.csv', Buffer.from(text, 'latin1'));
        try {
          const loaded = await load(path);
          const { features, columnNames } = loaded;
          if (columnNames.length !== 1) return;
          const expected = reference(text);
          deepEqual(
            onlyKeys(loaded),
            expected.map(([key]) => key),
            JSON.stringify(text),
          );
          expected.forEach(([, x], i) => {
            if (x !== '') equal(features[i], Number(x), JSON.stringify(text)); // else the mean
          });
        } catch (error) {
          equal((error as Error).name, 'DatasetError', String(error));
          // Damage to the header can make a value a column's name, which messages do tell.
          if (at > headerLength) doesNotMatch((error as Error).message, /k\d|9\d\d/);
        }
      }),
      { numRuns: 120, seed: 20_261_121 },
    );
  });
});

/** The records of a two-column CSV text after its header, by a plain reading of RFC 4180. */
function reference(text: string): string[][] {
  const rows: string[][] = [];
  let fields = [''];
  let quoted = false;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') fields[fields.length - 1] += text[++i];
    else if (c === '"' && (quoted || fields.at(-1)!.trim() === '')) quoted = !quoted;
    else if (quoted) fields[fields.length - 1] += c;
    else if (c === ',') fields.push('');
    else if (c === '\n' || c === '\r' || c === undefined) {
      if (fields.length > 1 || fields[0] !== '') rows.push(fields);
      fields = [''];
    } else fields[fields.length - 1] += c;
  }
  return rows.slice(1).map((fields) => fields.map((field) => field.trim()));
}
