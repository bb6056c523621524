import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalKey, NOT_A_KEY } from '../../../src/party/datasets/cells.ts';
import { appendKeys } from '../../../src/party/datasets/key-texts.ts';
import {
  columnLength,
  TextColumnBuilder,
  textColumn,
} from '../../../src/protocols/psi/text-column.ts';
import { stringsOf } from '../../support/text-columns.ts';

/** What every text is compared by, one at a time, or the first that is no key. */
function slowly(texts: readonly string[]): ReturnType<typeof quickly> {
  const keys: string[] = [];
  for (const [row, text] of texts.entries()) {
    if (text === NOT_A_KEY) return { keys: null, fault: { code: 'bad_key', row } };
    const key = canonicalKey(text);
    if (key === '') return { keys: null, fault: { code: 'missing_key', row } };
    keys.push(key);
  }
  return { keys, fault: null };
}

function quickly(texts: readonly string[]) {
  const builder = new TextColumnBuilder();
  const fault = appendKeys(builder, textColumn(texts));
  return { keys: fault ? null : stringsOf(builder.finish()), fault };
}

describe('key texts', () => {
  // Every space that `trim` knows, its neighbours that it does not, and letters in several forms.
  const spaces = '\t\n\v\f\r \u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
  const others = '\0\u0008\u000e\u001c\u001f\u007f\u0085\u00a1\u180e\u200b\u2060';
  const letters = 'ab19é\u0301e\u0327o\u0308Å\u212b\u1100\u1161\u11a8가\u0344漢😀ﬁ';
  const characters = Array.from(spaces + others + letters);
  const unit = fc.constantFrom(...characters);

  it('are what canonicalKey makes of each text', () => {
    const text = fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit, maxLength: 6 }) },
      { weight: 2, arbitrary: fc.stringMatching(/^[ -~]{1,20}$/) },
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.constant(NOT_A_KEY),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
        deepEqual(quickly(texts), slowly(texts));
      }),
      { numRuns: 2000 },
    );
  });

  it('are what canonicalKey makes of each single character around a letter', () => {
    for (const at of characters) {
      const texts = [`${at}k`, `k${at}`, `${at}k${at}`, `k${at}k`, `${at}${at}é`, `é${at}`];
      deepEqual(quickly(texts), slowly(texts), JSON.stringify(at));
      deepEqual(quickly([at]), slowly([at]), JSON.stringify(at));
    }
  });

  it('are copied as they stand where all are canonical ASCII', () => {
    const texts = ['12', '012', 'a b', 'Ab', '~!', 'x'.repeat(300)];
    deepEqual(quickly(texts), { keys: texts, fault: null });
    deepEqual(quickly([]), { keys: [], fault: null });
  });

  it('keep what was added before', () => {
    const builder = new TextColumnBuilder();
    equal(appendKeys(builder, textColumn(['a', 'b'])), null);
    equal(appendKeys(builder, textColumn([' c', 'e\u0301'])), null);
    deepEqual(appendKeys(builder, textColumn(['d', '\u00a0\ufeff'])), {
      code: 'missing_key',
      row: 1,
    });
    const column = builder.finish();
    deepEqual(stringsOf(column).slice(0, 4), ['a', 'b', 'c', 'é']);
    equal(columnLength(column) >= 4, true);
  });
});
