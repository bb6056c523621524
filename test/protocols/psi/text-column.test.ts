import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  columnLength,
  sliceColumn,
  type TextColumn,
  TextColumnBuilder,
  textAt,
  textColumn,
} from '../../../src/protocols/psi/text-column.ts';

const wellFormed = fc
  .string({ unit: 'binary', maxLength: 20 })
  .filter((text) => !/\p{Surrogate}/u.test(text));

function textsOf(column: TextColumn): string[] {
  return Array.from({ length: columnLength(column) }, (_, i) => textAt(column, i));
}

describe('text column', () => {
  it('gives back its texts, whatever they are', () => {
    const marked = ['\ufeff', '\ufeffa', 'a\ufeff'];
    deepEqual(textsOf(textColumn(marked)), marked);
    fc.assert(
      fc.property(fc.array(wellFormed), (texts) => {
        const column = textColumn(texts);
        deepEqual(textsOf(column), texts);
        equal(Buffer.from(column.bytes).toString(), texts.join(''));
        equal(column.starts[0], 0);
      }),
    );
  });

  it('has as many rows as texts, around the sizes of a batch', () => {
    for (const n of [0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 5000]) {
      const texts = Array.from({ length: n }, (_, i) => (i % 700 === 699 ? `é${i}` : `key-${i}`));
      deepEqual(textsOf(textColumn(texts)), texts, `n = ${n}`);
    }
  });

  it('holds texts far longer than the buffer it starts with', () => {
    const texts = ['', '漢'.repeat(50_000), 'a', '\u0000', '😀'.repeat(20_000), ''];
    deepEqual(textsOf(textColumn(texts)), texts);
  });

  it('refuses a lone surrogate, naming its row and not its text', () => {
    for (const [row, texts] of [
      [1, ['fine', 'secret\ud800']],
      [0, ['\udc00']],
      [600, [...Array.from({ length: 600 }, () => 'x'), '\ud83d', '\ude00']], // a pair, were they one text
    ] as const) {
      throws(() => textColumn(texts), {
        name: 'TypeError',
        message: `expected well-formed Unicode, got a lone surrogate in row ${row}`,
      });
    }
  });

  it('slices without a copy', () => {
    const column = textColumn(['a', 'bé', '', 'c']);
    const slice = sliceColumn(column, 1, 3);
    deepEqual(textsOf(slice), ['bé', '']);
    equal(slice.bytes, column.bytes);
    deepEqual(textsOf(sliceColumn(slice, 1, 1)), []);
  });
});

describe('text column builder', () => {
  it('joins pieces, strings or bytes', () => {
    const builder = new TextColumnBuilder();
    builder.append(['a', 'é']);
    builder.appendUtf8(Buffer.from('..ö漢..'), 2, 7);
    builder.append([]);
    builder.append(['z']);
    equal(builder.length, 4);
    deepEqual(textsOf(builder.finish()), ['a', 'é', 'ö漢', 'z']);
    equal(builder.length, 0);
    deepEqual(textsOf(builder.finish()), []);
  });

  it('joins columns, parts of others included', () => {
    const builder = new TextColumnBuilder();
    const texts = Array.from({ length: 3_000 }, (_, i) => `é${i}`);
    const column = textColumn(texts);
    builder.append(['first']);
    builder.appendColumn(sliceColumn(column, 7, 7));
    builder.appendColumn(sliceColumn(column, 2_990, 3_000));
    builder.appendColumn(column);
    builder.append(['last']);
    deepEqual(textsOf(builder.finish()), ['first', ...texts.slice(2_990), ...texts, 'last']);
  });

  it('names the row in the column, not in the piece', () => {
    const builder = new TextColumnBuilder();
    builder.append(['a', 'b']);
    throws(() => builder.append(['c', '\ud800']), /row 3$/);
  });

  it('gives a column that what is built next leaves alone', () => {
    const builder = new TextColumnBuilder();
    builder.append(['first']);
    const column = builder.finish();
    builder.append(['other']);
    deepEqual(textsOf(column), ['first']);
  });
});
