import { equal } from 'node:assert/strict';
import fc from 'fast-check';
import { firstRepeated } from '../../../src/party/datasets/repeated-key.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';

describe('repeated key', () => {
  it('is the first row whose texts an earlier row has in every column', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 3 });
    const columns = fc.integer({ min: 1, max: 3 });
    const rows = columns.chain((width) =>
      fc.array(fc.array(text, { minLength: width, maxLength: width }), { minLength: 1 }),
    );
    fc.assert(
      fc.property(rows, fc.integer(), (table, seed) => {
        const seen = new Set<string>();
        const again = table.findIndex((row) => {
          const size = seen.size;
          return seen.add(JSON.stringify(row)).size === size;
        });
        const keys = table[0]!.map((_, c) => textColumn(table.map((row) => row[c]!)));
        equal(firstRepeated(keys, seed), again < 0 ? null : again + 1);
      }),
      { numRuns: 500 },
    );
  });

  it('tells ("a", "bc") and ("ab", "c") apart', () => {
    equal(firstRepeated([textColumn(['a', 'ab']), textColumn(['bc', 'c'])], 7), null);
    equal(firstRepeated([textColumn(['a', 'a']), textColumn(['bc', 'bc'])], 7), 2);
  });

  it('is found among many, and nothing else: whatever the seed', () => {
    const texts = Array.from({ length: 60_000 }, (_, i) => `customer-${i}`);
    for (const seed of [0, -1, 0x7fffffff]) {
      equal(firstRepeated([textColumn(texts)], seed), null);
      equal(firstRepeated([textColumn([...texts, texts[31_234]!, texts[5]!])], seed), 60_001);
    }
  });

  it('is none where there is no row', () => {
    equal(firstRepeated([textColumn([])], 1), null);
  });
});
