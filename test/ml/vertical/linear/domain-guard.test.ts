import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import {
  DomainGuard,
  FEWEST_ROWS_OPENED,
  mostGuardOpenings,
} from '../../../../src/ml/vertical/linear/domain-guard.ts';
import { ERROR_BITS, toFixed } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { share } from '../../../../src/protocols/sharing/share.ts';
import { memoryLedger } from '../../../support/ledger.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { both, contextPair } from '../../../support/vertical-run.ts';

describe('domain guard', () => {
  const ledger = memoryLedger('domain_guard');
  let contexts: readonly [TrainingContext, TrainingContext];
  before(async () => {
    ({ contexts } = await contextPair({ ledger }));
  });

  const guards = (): readonly [DomainGuard, DomainGuard] => [
    new DomainGuard(contexts[0]),
    new DomainGuard(contexts[1]),
  ];

  /** Shows both guards shares of an edge sum. */
  async function inspect(
    pair: readonly [DomainGuard, DomainGuard],
    edge: number,
    rows: number,
    t: number,
  ): Promise<void> {
    const shares = share(toFixed([edge], ERROR_BITS), seededRng(`${edge} ${t}`));
    await both((role) => pair[role].inspect(shares[role]![0]!, rows, t));
  }

  it('is due early, at every eighth step and at the last', () => {
    const [guard] = guards();
    const due = (steps: number): number[] =>
      Array.from({ length: steps }, (_, t) => t).filter((t) => guard.isDue(t, steps));
    deepEqual(due(11), [2, 4, 8, 10]);
    deepEqual(due(42), [2, 4, 8, 12, 16, 24, 32, 40, 41]);
    deepEqual(due(2), [1]);
    deepEqual(due(1), [], 'logits are zero at step 0');
  });

  it('opens at most what it says, whenever the domain widens', () => {
    const [guard] = guards();
    /** Openings of a training whose domain widens three times: at the first checks, or at the last. */
    const openings = (asked: number, widensAtLast: boolean): number => {
      let [steps, count, widenings] = [asked, 0, 3];
      for (let t = 0; t < steps; t++) {
        if (!guard.isDue(t, steps)) continue;
        count++;
        if (widenings > 0 && (!widensAtLast || t === steps - 1)) {
          widenings--;
          steps = Math.max(steps, t + 1 + 8);
        }
      }
      return count;
    };
    for (let steps = 2; steps < 150; steps++) {
      const most = mostGuardOpenings(steps);
      for (const late of [false, true]) ok(openings(steps, late) <= most, `${steps} ${late}`);
      ok(openings(steps, true) >= most - 7, `${steps}: the bound is near what can happen`);
    }
  });

  it('leaves the domain alone below half a row and above its noise', async () => {
    const pair = guards();
    for (const [edge, rows] of [
      [0, 64],
      [0.5, 64],
      [-0.3, 1000],
      [3.5, 1_000_000],
    ] as const) {
      await inspect(pair, edge, rows, 4);
      for (const guard of pair) {
        deepEqual([guard.domain.level, guard.runUntil], [0, 0], `${edge} of ${rows} rows`);
      }
    }
  });

  it('widens both parties’ domain when a row is near the edge, and asks for eight more steps', async () => {
    const pair = guards();
    await inspect(pair, 0.625, 64, 4);
    for (const guard of pair) {
      deepEqual(guard.domain, { loss: 'logloss', level: 1 });
      equal(guard.runUntil, 13);
    }
    await inspect(pair, 3, 64, 12);
    for (const guard of pair) deepEqual([guard.domain.level, guard.runUntil], [2, 21]);
  });

  it('stops both parties when the largest domain is not enough', async () => {
    const pair = guards();
    await inspect(pair, 1, 64, 1);
    await inspect(pair, 1, 64, 2);
    await inspect(pair, 1, 64, 3);
    const shares = share(toFixed([1], ERROR_BITS), seededRng('last'));
    await both((role) =>
      rejects(pair[role].inspect(shares[role]![0]!, 64, 4), { code: 'OUT_OF_DOMAIN' }),
    );
  });

  it('gathers small batches until the sum is over enough rows to be opened', async () => {
    const from = ledger.recorded.length;
    const pair = guards();
    for (const t of [2, 4, 8]) await inspect(pair, 0.25, FEWEST_ROWS_OPENED / 4, t);
    equal(ledger.recorded.length, from, 'nothing is opened over 48 rows');
    await inspect(pair, 0.25, FEWEST_ROWS_OPENED / 4, 12);
    equal(ledger.recorded.length, from + 2);
    for (const guard of pair) deepEqual([guard.domain.level, guard.runUntil], [1, 21]);
    await inspect(pair, 10, 1, 16);
    equal(ledger.recorded.length, from + 2, 'and it begins anew');
  });

  it('opens one declared value at a time', async () => {
    const from = ledger.recorded.length;
    await inspect(guards(), 0, 64, 1);
    const entry = { class: 'domain_guard', to: ['guest', 'host'], elements: 1 };
    deepEqual(ledger.recorded.slice(from), [entry, entry], 'once at each party');
  });
});
