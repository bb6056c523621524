import { equal, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { prescan } from '../../../src/party/datasets/prescan.ts';
import { resolveDataset } from '../../../src/party/datasets/roots.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const MIB = 1 << 20;

describe('prescan', () => {
  const folder = scratchFolder();
  const scan = async (content: string | Uint8Array, type: 'csv' | 'parquet' = 'csv') =>
    prescan(await resolveDataset([folder.path], folder.write('f', content)), type);

  it('hashes every byte, across chunks', async () => {
    for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB + 17]) {
      const bytes = Buffer.alloc(size, 'abc,def\n');
      const { digest } = await scan(bytes);
      equal(Buffer.from(digest).toString('hex'), createHash('sha256').update(bytes).digest('hex'));
    }
  });

  it('accepts characters that straddle chunks', async () => {
    for (let shift = 0; shift < 4; shift++) {
      const text = 'x'.repeat(MIB - shift) + '€𝄞é'.repeat(3);
      await scan(text);
    }
  });

  it('names the line of a byte that is not UTF-8, also far into the file', async () => {
    const cases: [Uint8Array, number][] = [
      [Buffer.from([0x61, 0x0a, 0xe9, 0x0a]), 2],
      [Buffer.from([0x61, 0x0a, 0xe2, 0x82]), 2],
      [Buffer.from([0xff, 0xfe, 0x61, 0x00]), 1],
      [Buffer.from('a\n\n\0b\n'), 3],
      [Buffer.concat([Buffer.alloc(3 * MIB, 'abcdefg\n'), Buffer.from([0x80])]), (3 * MIB) / 8 + 1],
    ];
    for (const [bytes, line] of cases) {
      await rejects(scan(bytes), {
        code: 'not_utf8',
        message: `f: line ${line} is not UTF-8: convert the file`,
      });
    }
  });

  it('leaves binary files alone', async () => {
    await scan(Buffer.from([0xff, 0x00, 0xfe]), 'parquet');
  });

  it('counts lines that are not blank, unless the file has quotes', async () => {
    const cases: [string, number | null][] = [
      ['', 0],
      ['a', 1],
      ['a\n', 1],
      ['a\r\n\r\n\n b\n \n', 3],
      ['a\n"b\n', null],
      [`${'x'.repeat(MIB)}\n\n\ny`, 2],
      [`${'x'.repeat(MIB - 1)}\n${'\n'.repeat(MIB)}y\n`, 2],
      [`${'x\n'.repeat(MIB)}"`, null],
      [`${'x'.repeat(MIB - 1)}\n\r\ny`, 2],
      [`${'x'.repeat(MIB - 2)}\n\r\ny`, 2],
      [`${'x'.repeat(MIB - 1)}\r\ny`, 2],
      [`x\n${'\r\n'.repeat(MIB)}\r`, 1],
      [`x\n\r\r\n`, 2],
    ];
    for (const [text, lines] of cases)
      equal((await scan(text)).plainLines, lines, text.slice(0, 20));
  });
});
