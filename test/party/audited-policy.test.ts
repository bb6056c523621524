import { deepEqual, equal, rejects } from 'node:assert/strict';
import { auditedPolicy } from '../../src/party/audited-policy.ts';
import { PolicyError } from '../../src/party/policy-file.ts';
import type { Policy } from '../../src/party/policy-rule.ts';
import { OPEN_RULE } from '../support/consensus-network.ts';
import { memorySalts } from '../support/memory-salts.ts';
import { memoryTrail } from '../support/memory-trail.ts';

const policyOf = (rules: number): Policy => ({
  version: 1,
  rules: Array.from({ length: rules }, () => OPEN_RULE),
});

describe('audited policy', () => {
  it('has an entry for each policy that the node goes by, and for none', async () => {
    let current: Policy | Error = policyOf(1);
    const [trail, salts] = [memoryTrail(), memorySalts()];
    const policy = auditedPolicy(
      async () => {
        if (current instanceof Error) throw current;
        return current;
      },
      trail,
      salts,
    );
    deepEqual(await Promise.all([policy(), policy()]), [current, current]);
    await policy();
    current = policyOf(2);
    await policy();
    current = new PolicyError(['broken']);
    for (let i = 0; i < 2; i++) await rejects(policy(), PolicyError);
    current = policyOf(2);
    await policy();
    const entries = trail.of('policy');
    deepEqual(
      entries.map(({ body }) => [body.rules, body.policy !== null]),
      [
        [1, true],
        [2, true],
        [0, false],
        [2, true],
      ],
    );
    const bytes = salts.values.get(entries[1]!.body.policy!)!;
    deepEqual(JSON.parse(Buffer.from(bytes).toString()), policyOf(2));
    equal(JSON.stringify(trail.entries).includes('credit'), false, 'the policy stays here');
  });

  it('allows nothing that could not be recorded', async () => {
    const failing = { record: () => Promise.reject(new Error('disk full')) };
    const policy = auditedPolicy(async () => policyOf(1), failing, memorySalts());
    for (let i = 0; i < 2; i++) await rejects(policy(), /disk full/);
  });
});
