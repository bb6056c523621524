import { deepEqual, equal, rejects } from 'node:assert/strict';
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSpill } from '../../../../src/party/tasks/thread/file-spill.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';

const { path } = scratchFolder();

describe('spill on files', () => {
  it('gives each bucket what was appended to it, in order, as often as asked', async () => {
    const folder = join(path, 'order');
    const spill = fileSpill(folder);
    equal(existsSync(folder), false, 'nothing is made before it is needed');
    for (let i = 0; i < 30; i++) await spill.append(i % 3, new Uint8Array(i).fill(i));
    deepEqual(readdirSync(folder).sort(), ['0.bin', '1.bin', '2.bin']);
    for (const bucket of [2, 0, 1, 2]) {
      const expected = Array.from({ length: 30 }, (_, i) => i).filter((i) => i % 3 === bucket);
      deepEqual(
        [...(await spill.read(bucket))],
        expected.flatMap((i) => Array<number>(i).fill(i)),
      );
    }
    await spill.append(1, Uint8Array.of(99));
    equal((await spill.read(1)).at(-1), 99);
    equal((await spill.read(5)).length, 0);
    await spill.close();
  });

  it('takes up no file that is already there, and notices one that got shorter', async () => {
    const folder = join(path, 'foreign');
    await mkdir(folder);
    writeFileSync(join(folder, '0.bin'), 'foreign');
    const spill = fileSpill(folder);
    await rejects(spill.append(0, Uint8Array.of(1)), { code: 'SPILL_FAILED' });
    await spill.append(1, Uint8Array.of(1, 2, 3));
    truncateSync(join(folder, '1.bin'), 1);
    await rejects(spill.read(1), { code: 'SPILL_FAILED' });
    await spill.close();
  });
});
