import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { runParties } from '../../bench/parties.ts';
import { deviation, trainPlain } from '../../bench/plain-check.ts';
import { run } from '../../bench/psi.ts';
import { trainUnprotected } from '../../bench/unprotected-lr.ts';

const PSI = new URL('../../bench/psi.js', import.meta.url).href;

describe('benches of two processes', () => {
  it('align exactly the common keys', async () => {
    const { correct, metrics, bytesSent } = await run(['--n', '301', '--threads', '1']);
    equal(correct, true);
    equal(metrics.intersection, 150);
    ok(bytesSent.receiver! > 32 * 301 && bytesSent.sender! > 32 * 301);
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
    const job = { n: -1, seed: 0, role: 'receiver', engine: 'ecdh', threads: 1 };
    await rejects(runParties(PSI, ['a', 'b'], [job, job]), /a party failed: RangeError/);
  });
});
