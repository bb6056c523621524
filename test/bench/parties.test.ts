import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runParties } from '../../bench/parties.ts';
import { deviation, trainPlain } from '../../bench/plain-check.ts';
import { run } from '../../bench/psi.ts';
import { checkFiles } from '../../bench/psi-files.ts';
import { inTemporaryFolder } from '../../bench/temporary-folder.ts';
import { trainUnprotected } from '../../bench/unprotected-lr.ts';

const PSI_PARTY = new URL('../../bench/psi-party.js', import.meta.url).href;

describe('benches of two processes', () => {
  for (const engine of ['ecdh', 'rr22']) {
    it(`find exactly the common keys of two parties' files: ${engine}`, async () => {
      const { correct, metrics, bytesSent } = await run(['--engine', engine, '--n', '301']);
      equal(correct, true);
      equal(metrics.intersection, 150);
      ok(bytesSent.party0! > 32 * 301 && bytesSent.party1! > 9 * 301);
    });
  }

  it('find exactly the common keys of three', async () => {
    const { correct, metrics } = await run(['--n', '301', '--parties', '3']);
    deepEqual([correct, metrics.intersection], [true, 150]);
  });

  it('see a result that is wrong', async () => {
    await inTemporaryFolder(async (folder) => {
      const keys = { n: 4, parties: 2, seed: 0 };
      const lines = ['customer', 'customer-0000000001', 'customer-0000000000'];
      const write = async (name: string, text: readonly string[]): Promise<void> => {
        await mkdir(join(folder, name), { recursive: true });
        await writeFile(join(folder, name, 'intersection.csv'), `${text.join('\n')}\n`);
      };
      const folders = [join(folder, 'a'), join(folder, 'b')];
      await write('a', lines);
      await write('b', lines);
      equal(await checkFiles(folders, keys), true);
      for (const wrong of [
        lines.slice(0, 2), // one is missing
        [lines[0]!, lines[2]!, lines[1]!], // another order
        [lines[0]!, lines[1]!, lines[1]!], // one twice
        [...lines, 'customer-0000000003'], // one that is not common
      ]) {
        await write('b', wrong);
        equal(await checkFiles(folders, keys), false);
      }
      await write('a', [lines[0]!, lines[1]!, lines[1]!]);
      await write('b', [lines[0]!, lines[1]!, lines[1]!]);
      equal(await checkFiles(folders, keys), false);
    });
  });

  it('train without protection to the plain solver’s model, with a vector an iteration', async () => {
    const size = { n: 500, da: 3, dh: 2, seed: 1 };
    const training = { ...size, iterations: 4, l2: 1, validationRate: 0.2, splitSeed: 0 };
    const { model, parties } = await trainUnprotected(training);
    const plain = trainPlain(training, ['auc']);
    ok(deviation(model, plain.exact, plain.scaler) < 1e-9);
    ok(deviation(model, plain.asJoint, plain.scaler) > 1e-9, 'the comparison can fail');
    deepEqual(
      [parties.guest, parties.host].map(({ result }) => result.bytesPerIteration),
      [8 * 400, 8 * 400],
    );
  });

  it('report what failed in a party', async () => {
    const job = { self: 'a', contract: { parties: [] }, threads: 1, salt: null, folder: '' };
    await rejects(runParties(PSI_PARTY, ['a', 'b'], [job, job]), /a party failed: TypeError/);
  });
});
