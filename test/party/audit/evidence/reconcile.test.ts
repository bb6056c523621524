import { deepEqual, equal, ok } from 'node:assert/strict';
import type { EntryBody } from '../../../../src/party/audit/entry.ts';
import type { Reason } from '../../../../src/party/audit/evidence/findings.ts';
import { type ReconcileReport, reconcile } from '../../../../src/party/audit/evidence/reconcile.ts';
import type { SessionStory, TaskStory } from '../../../../src/party/audit/evidence/story.ts';
import { type EvidenceReport, verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { trailInto } from '../../../../src/party/audit/trail.ts';
import type { Contract, LinearTraining } from '../../../../src/party/consensus/contract.ts';
import {
  type AuditedTask,
  auditedTask,
  type Deviations,
  newParties,
  sourceOf,
} from '../../../support/audited-task.ts';
import {
  bytesOf,
  type EvidenceParty,
  exchange,
  MemoryLog,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { reasonsOf } from '../../../support/verified-bundle.ts';

type WeightsStory = Pick<TaskStory['disclosures'][number], 'elements' | 'openings' | 'told'>;

async function reconciled(
  task: AuditedTask,
  parties: readonly [EvidenceParty, EvidenceParty] = [task.a, task.b],
  change: (lines: string[], i: number) => string[] = (lines) => lines,
): Promise<ReconcileReport> {
  const reports = await Promise.all(
    parties.map(async (party, i) => {
      const lines = await taskBundle(sourceOf(task, party), task.taskId);
      return verifyBundle(bytesOf(change(lines, i)), trustIn([task.a, task.b]));
    }),
  );
  return reconcile(reports[0]!, reports[1]!);
}

async function reasonsWith(deviations: Deviations): Promise<readonly Reason[]> {
  return reasonsOf(await reconciled(await auditedTask(newParties(), deviations)));
}

/** A party that goes on with another log from a size on, as if it had not shown what came after. */
function rewound(party: EvidenceParty, size: number): EvidenceParty {
  const log = new MemoryLog(() => party.key);
  log.rows.push(...party.log.rows.slice(0, size));
  log.signed.push(...party.log.signed.filter((state) => state.size <= size));
  const { clock } = party;
  const trail = trailInto(log, { now: () => (clock.now += 7), rng: seededRng(77) });
  return { ...party, log, trail, cosigned: new Map() };
}

describe('reconciliation of two parties’ bundles', () => {
  it('accepts what two honest parties export', async () => {
    const report = await reconciled(await auditedTask());
    deepEqual(report.findings, []);
    ok(report.ok);
    equal(report.receipts, 10);
    equal(report.states, 4);
  });

  it('accepts bundles of which one was made after further tasks', async () => {
    const parties = newParties();
    const task = await auditedTask(parties);
    await auditedTask(parties);
    deepEqual((await reconciled(task)).findings, []);
  });

  it('does not hold when a bundle does not by itself', async () => {
    const task = await auditedTask();
    const report = await reconciled(task, [task.a, task.b], (lines, i) =>
      i === 0 ? lines : resealed(lines.filter((line) => !line.includes('"kind":"data_access"'))),
    );
    ok(!report.ok);
  });

  it('refuses bundles of one party or of different tasks', async () => {
    const parties = newParties();
    const task = await auditedTask(parties);
    deepEqual(reasonsOf(await reconciled(task, [task.a, task.a])), ['not_comparable']);
    const other = await auditedTask(parties);
    const [a, b] = await Promise.all(
      [task, other].map(async (each, i) => {
        const lines = await taskBundle(sourceOf(each, parties[i]!), each.taskId);
        return verifyBundle(bytesOf(lines), trustIn(parties));
      }),
    );
    deepEqual(reasonsOf(reconcile(a!, b!)), ['not_comparable']);
  });

  it('finds a peer that claims other bytes', async () => {
    const other = await reasonsWith({
      statement: (at, statement) =>
        at === 'orgB' && statement.step === 2 ? { ...statement, hash: '99'.repeat(32) } : statement,
    });
    deepEqual(other, ['bytes_differ']);
  });

  it('finds a session whose ends speak of other bytes', async () => {
    const reasons = await reasonsWith({
      sessionClosed: (at, { received }) =>
        at === 'orgB' ? { received: { ...received, hash: '99'.repeat(32) } } : {},
      result: ({ signer, transport: [first] }) =>
        signer === 'orgB'
          ? { transport: [{ ...first!, received: { ...first!.received, hash: '99'.repeat(32) } }] }
          : {},
    });
    deepEqual(reasons, ['bytes_differ']);
  });

  it('finds a phase receipt that one party lacks', async () => {
    const reasons = await reasonsWith({
      statement: (at, statement) => (at === 'orgB' && statement.step === 2 ? null : statement),
    });
    deepEqual(reasons, ['receipt_unmatched']);
  });

  it('finds a session that one party tells differently', async () => {
    const reasons = await reasonsWith({
      sessionOpened: (at) => (at === 'orgB' ? { transcript: '88'.repeat(32) } : {}),
    });
    deepEqual(reasons, ['session_differs']);
  });

  it('finds a session that one party calls one with somebody else', async () => {
    const reasons = await reasonsWith({
      sessionOpened: (at) => (at === 'orgA' ? { peer: 'orgC' } : {}),
    });
    ok(reasons.includes('session_differs'), reasons.join());
  });

  it('compares openings and receipts of an attempt that one party calls broken', async () => {
    const sessionClosed = (at: string) => (at === 'orgB' ? { code: 'CLOSED' } : {});
    const weights = { class: 'weights', to: ['orgB'], elements: 4, value: 'ee'.repeat(32) };
    const hidden = await reasonsWith({ sessionClosed, disclosuresOf: { orgA: [weights] } });
    deepEqual(hidden, ['disclosure_unmatched']);
    const more = await reasonsWith({
      sessionClosed,
      statement: (at, statement) => (at === 'orgA' && statement.last ? null : statement),
    });
    deepEqual(more, ['receipt_unmatched'], 'orgA ended in order, and lacks what orgB has');
    const fewer = await reasonsWith({
      sessionClosed,
      statement: (at, statement) => (at === 'orgB' && statement.last ? null : statement),
    });
    deepEqual(fewer, [], 'a session that broke may have lost its last receipts');
  });

  it('finds a session that one party lacks, but for one that left nothing', async () => {
    const withSession = async (peer: string, code: string | null) => {
      const task = await auditedTask();
      const at = { task: task.taskId, attempt: 2 };
      const session = '5e'.repeat(32);
      const zeros = '00'.repeat(32);
      await task.b.trail.record('session_opened', at, {
        ...{ peer, session, transcript: zeros, checkpoint: zeros, certificate: zeros },
        fingerprint: task.a.signer.fingerprint,
        implementation: zeros,
      });
      const none = { frames: 0, bytes: 0, hash: zeros };
      const closed = { peer, session, code, sent: none, received: none };
      await task.b.trail.record('session_closed', at, closed);
      return reconciled(task);
    };
    const lacking = await withSession('orgA', null);
    deepEqual(
      lacking.findings.map(({ reason, detail }) => [reason, detail]),
      [['session_differs', 'the log of orgA does not have it']],
    );
    deepEqual((await withSession('orgA', 'CLOSED')).findings, []);
    deepEqual((await withSession('orgC', null)).findings, [], 'orgA has no part in it');
  });

  it('finds each number that two ends count differently', async () => {
    for (const change of [{ frames: 1 }, { bytes: 1 }, { hash: '99'.repeat(32) }]) {
      for (const side of ['sent', 'received'] as const) {
        const reasons = await reasonsWith({
          sessionClosed: (at, body) =>
            at === 'orgB' ? { [side]: { ...body[side], ...change } } : {},
        });
        deepEqual(reasons, ['bytes_differ'], `${side} ${JSON.stringify(change)}`);
      }
    }
    const receipt = await reasonsWith({
      statement: (at, statement) =>
        at === 'orgB' && statement.step === 2
          ? { ...statement, bytes: statement.bytes + 1 }
          : statement,
    });
    deepEqual(receipt, ['bytes_differ']);
  });

  it('finds an earlier receipt that one party lacks of a session that broke', async () => {
    const reasons = await reasonsWith({
      sessionClosed: () => ({ code: 'CLOSED' }),
      statement: (at, statement) => (at === 'orgB' && statement.step === 2 ? null : statement),
    });
    deepEqual(reasons, ['receipt_unmatched']);
  });

  it('does not compare openings of an attempt that broke at both ends', async () => {
    const weights = { class: 'weights', to: ['orgB'], elements: 4, value: 'ee'.repeat(32) };
    const sessionClosed = () => ({ code: 'CLOSED' });
    deepEqual(await reasonsWith({ sessionClosed, disclosuresOf: { orgA: [weights] } }), []);
  });

  const WEIGHTS = { class: 'weights', to: ['orgA'], elements: 4 };
  const HANDED = 'ee'.repeat(32);
  const disclosed = (
    ...[first, second]: readonly (Partial<EntryBody<'disclosure'>> | null)[]
  ): Promise<readonly Reason[]> =>
    reasonsWith({
      disclosuresOf: {
        orgA: first ? [{ ...WEIGHTS, value: null, ...first }] : [],
        orgB: second ? [{ ...WEIGHTS, value: HANDED, ...second }] : [],
      },
    });

  it('finds what one told and the other did not learn, or learned and was not told', async () => {
    deepEqual(await disclosed({}, {}), []);
    deepEqual(await disclosed({}, null), ['disclosure_unmatched']);
    deepEqual(await disclosed(null, {}), ['disclosure_unmatched']);
    deepEqual(await disclosed({ elements: 3 }, {}), ['disclosure_unmatched']);
    deepEqual(await disclosed({}, { elements: 3 }), ['disclosure_unmatched']);
  });

  it('lets each party tell, or learn, of its own', async () => {
    deepEqual(await disclosed({ elements: 3, value: HANDED }, {}), []);
    deepEqual(await disclosed({ elements: 3 }, { value: null }), []);
    deepEqual(await disclosed({ value: HANDED }, null), [], 'orgA has shown it to nobody else');
  });

  it('says who has what of an opening', async () => {
    const weights = { class: 'weights', to: ['orgB'], elements: 4, value: HANDED };
    const task = await auditedTask(newParties(), { disclosuresOf: { orgA: [weights] } });
    const [finding] = (await reconciled(task)).findings;
    equal(
      finding!.detail,
      'weights to orgB: the log of orgA has 4 in 1 openings, the log of orgB has none',
    );
  });

  it('finds parties that both told, but not as often', async () => {
    const own = { ...WEIGHTS, to: ['orgA', 'orgB'], value: HANDED };
    const once = await reasonsWith({ disclosuresOf: { orgA: [own], orgB: [own, own] } });
    deepEqual(once, ['disclosure_unmatched']);
  });

  it('finds parties that hold other votes', async () => {
    const parties = newParties();
    const task = await auditedTask(parties);
    // The same contract, voted on once more: every signature holds.
    const anew = parties.map((party) => rewound(party, 0)) as unknown as typeof parties;
    const again = await auditedTask(anew, { contract: task.contract as LinearTraining });
    const [a, b] = await Promise.all(
      [
        [task, task.a],
        [again, again.b],
      ].map(async ([each, party]) => {
        const audited = each as AuditedTask;
        const lines = await taskBundle(sourceOf(audited, party as EvidenceParty), audited.taskId);
        return verifyBundle(bytesOf(lines), trustIn(parties));
      }),
    );
    equal(a!.story?.task, b!.story?.task);
    ok(reasonsOf(reconcile(a!, b!)).includes('agreement_differs'));
  });

  it('finds another result of one party', async () => {
    const reasons = await reasonsWith({
      resultAt: (at, { signer }) =>
        at === 'orgB' && signer === 'orgA' ? { model: '55'.repeat(32) } : null,
    });
    deepEqual(reasons, ['result_differs']);
  });

  it('finds a fork after the last state in the bundle, by the other party’s', async () => {
    const task = await auditedTask();
    // orgA drops its results, and what orgB confirmed at the end, and shows it to nobody.
    const forked = rewound(task.a, task.a.log.size - 2);
    const lines = await taskBundle(sourceOf(task, forked), task.taskId);
    const alone = await verifyBundle(bytesOf(lines), trustIn([task.a, task.b]));
    deepEqual(
      alone.findings.map(({ reason }) => reason),
      ['result_missing'],
      'the bundle alone cannot show that more was confirmed',
    );
    const report = await reconciled(task, [forked, task.b]);
    const reasons = reasonsOf(report);
    ok(reasons.includes('log_forked') || reasons.includes('cosignature_missing'), reasons.join());
  });

  it('finds a log that was cut after the last state in the bundle', async () => {
    const task = await auditedTask();
    const cut = rewound(task.a, 6);
    const reasons = reasonsOf(await reconciled(task, [cut, task.b]));
    ok(reasons.includes('log_truncated'), reasons.join());
  });

  describe('of stories', () => {
    type Change = (story: TaskStory) => Partial<TaskStory>;
    let reports: readonly [EvidenceReport, EvidenceReport];
    let weights: (a: WeightsStory | null, b: WeightsStory | null) => readonly [Change, Change];
    before(async () => {
      const task = await auditedTask();
      const [a, b] = await Promise.all(
        [task.a, task.b].map(async (party) => {
          const lines = await taskBundle(sourceOf(task, party), task.taskId);
          return verifyBundle(bytesOf(lines), trustIn([task.a, task.b]));
        }),
      );
      reports = [a!, b!];
      const change =
        (opened: WeightsStory | null): Change =>
        ({ contract, disclosures }) => {
          const [first] = contract!.parties;
          const third = { ...first!, name: 'orgC' };
          const also = { attempt: 1, class: 'weights', to: ['orgA'], openings: 1 };
          return {
            contract: { ...contract!, parties: [...contract!.parties, third] } as Contract,
            disclosures: opened ? [...disclosures, { ...also, ...opened }] : disclosures,
          };
        };
      weights = (ofA, ofB) => [change(ofA), change(ofB)];
    });
    const reasonsOfStories = (changeA: Change, changeB: Change): readonly Reason[] => {
      const [a, b] = reports;
      const changed = (report: EvidenceReport, change: Change): EvidenceReport => ({
        ...report,
        story: { ...report.story!, ...change(report.story!) },
      });
      return reasonsOf(reconcile(changed(a, changeA), changed(b, changeB)));
    };
    const same: Change = () => ({});

    it('needs evidence of a task from both', () => {
      const [a, b] = reports;
      deepEqual(reasonsOf(reconcile({ ...a, story: null }, b)), ['not_comparable']);
      deepEqual(reasonsOf(reconcile(a, { ...b, story: null })), ['not_comparable']);
      deepEqual(reasonsOfStories(same, same), []);
    });

    it('names what became of a state that the other party confirmed', () => {
      const { size } = reports[1].story!.witnessed[0]!;
      const states = (root: string | null): Change => {
        return ({ states: known }) => {
          const others = [...known].filter(([at]) => at !== size);
          return { states: new Map(root ? [...others, [size, root]] : others) };
        };
      };
      deepEqual(reasonsOfStories(states(null), same), ['cosignature_missing']);
      deepEqual(reasonsOfStories(states('77'.repeat(32)), same), ['log_forked']);
      deepEqual(
        reasonsOfStories(() => ({ logSize: size - 1, states: new Map() }), same),
        ['log_truncated'],
      );
      const ofThird: Change = ({ witnessed }) => ({
        witnessed: [...witnessed, { party: 'orgC', size: 5, root: '77'.repeat(32) }],
      });
      deepEqual(reasonsOfStories(same, ofThird), []);
    });

    it('finds a party whose own log lacks what it signed of the end', () => {
      const without =
        (signer: string): Change =>
        ({ results }) => ({
          results: new Map([...results].filter(([, { body }]) => body.signer !== signer)),
        });
      deepEqual(reasonsOfStories(without('orgA'), same), ['result_differs']);
      deepEqual(reasonsOfStories(same, without('orgB')), ['result_differs']);
      deepEqual(reasonsOfStories(without('orgB'), same), [], 'it may not have come');
      deepEqual(reasonsOfStories(same, without('orgA')), [], 'it may not have come');
    });

    it('finds one session in two attempts, or with another party', () => {
      const session =
        (change: (of: SessionStory) => Partial<SessionStory>): Change =>
        ({ sessions }) => ({
          sessions: new Map([...sessions].map(([id, of]) => [id, { ...of, ...change(of) }])),
        });
      const later = session(() => ({ attempt: 2 }));
      deepEqual(reasonsOfStories(later, same), ['session_differs']);
      const elsewhere = session(({ opened }) => ({ opened: { ...opened, peer: 'orgC' } }));
      ok(reasonsOfStories(elsewhere, same).includes('session_differs'));
      ok(reasonsOfStories(same, elsewhere).includes('session_differs'));
    });

    it('does not compare openings with a party that brings no data', () => {
      const [mine] = weights(null, null);
      const bare: Change = (story) => {
        const { contract } = mine(story) as { contract: Contract };
        const parties = contract.parties.map((party) =>
          party.name === 'orgB' ? { ...party, dataset: null } : party,
        );
        return { contract: { ...contract, parties } as Contract, disclosures: [] };
      };
      deepEqual(reasonsOfStories(bare, same), []);
    });

    it('lets a third data holder have told as well what one of two learned', () => {
      const told = (elements: number, openings = 1) => ({ elements, openings, told: openings });
      const learned = (elements: number) => ({ elements, openings: 1, told: 0 });
      const compared = (a: WeightsStory | null, b: WeightsStory | null) =>
        reasonsOfStories(...weights(a, b));
      deepEqual(compared(learned(4), null), []);
      deepEqual(compared(null, told(4)), ['disclosure_unmatched']);
      deepEqual(compared(learned(4), told(4)), []);
      deepEqual(compared(learned(4), told(3)), []);
      deepEqual(compared(learned(4), told(5)), ['disclosure_unmatched']);
      deepEqual(compared(told(4, 2), told(4)), []);
      deepEqual(compared(null, learned(4)), [], 'orgC told it to others');
    });
  });

  it('accepts a state that the other party confirmed without this one having heard so', async () => {
    const task = await auditedTask();
    const { a, b, taskId } = task;
    await exchange(a, b, taskId, 'request', [b]);
    deepEqual((await reconciled(task)).findings, []);
  });
});
