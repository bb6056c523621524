import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { CheckpointRequest, CheckpointResponse } from '../../../proto/gen/consensus.ts';
import type { Entry } from '../../../src/party/audit/entry.ts';
import { decodeEntry } from '../../../src/party/audit/entry.ts';
import {
  type CheckpointExchangeDeps,
  serveCheckpoints,
  showLog,
} from '../../../src/party/consensus/checkpoint-exchange.ts';
import type { ConsensusRecord } from '../../../src/party/consensus/records.ts';
import { METHODS } from '../../../src/party/consensus/wire.ts';
import {
  type LogParty,
  type OtherLog,
  withLogParties,
  witnessRecords,
} from '../../support/confirmed-logs.ts';
import { sampleContract } from '../../support/contracts.ts';
import { controlLink } from '../../support/control-link.ts';

const TASK = '7'.repeat(64);
const UNKNOWN = '6'.repeat(64);

/** orgA, which shows its log to orgB. */
async function withExchange(
  use: (setting: {
    readonly a: LogParty;
    readonly b: LogParty;
    readonly client: CheckpointExchangeDeps;
    readonly show: (task?: string) => Promise<void>;
    /** An older or other orgA. */
    readonly as: (party: LogParty) => CheckpointExchangeDeps;
    readonly other: OtherLog;
  }) => Promise<void>,
): Promise<void> {
  await withLogParties(['orgA', 'orgB'], async ([a, b], other) => {
    const contract = sampleContract([a!.identity.signer, b!.identity.signer]);
    const records = {
      find: async (task: string) =>
        task === TASK ? ({ contract } as unknown as ConsensusRecord) : undefined,
    };
    const link = controlLink();
    const peers = link.client('orgA', 'orgB');
    serveCheckpoints(link, { peers, records, witness: b!.witness, trail: b!.trail });
    const as = ({ witness, trail }: LogParty): CheckpointExchangeDeps => ({
      peers,
      records,
      witness,
      trail,
    });
    const client = as(a!);
    const show = (task = TASK) => showLog(client, task, 'orgB', 'consensus');
    await use({ a: a!, b: b!, client, show, as, other });
  });
}

async function entriesOf({ log }: LogParty): Promise<readonly Entry<'checkpoint_exchange'>[]> {
  const found: Entry[] = [];
  for await (const bytes of log.entries(0, log.size)) found.push(decodeEntry(bytes));
  return found.filter((entry) => entry.kind === 'checkpoint_exchange');
}

describe('checkpoint exchange', () => {
  it('is recorded by both, with the state and both signatures', () =>
    withExchange(async ({ a, b, show }) => {
      await a.write(4);
      await show();
      const [[own], [theirs]] = [await entriesOf(a), await entriesOf(b)];
      deepEqual([own!.task, own!.body.witness, own!.body.code], [TASK, 'orgB', null]);
      deepEqual([theirs!.task, theirs!.body.witness, theirs!.body.code], [TASK, 'orgA', null]);
      deepEqual(own!.body.own, theirs!.body.theirs);
      deepEqual([own!.body.own!.size, own!.body.theirs, theirs!.body.own], [4, null, null]);
      // The entry itself is in the next state.
      await show();
      equal((await entriesOf(a))[1]!.body.own!.size, 5);
    }));

  it('goes on after one side forgot what it showed', () =>
    withExchange(async ({ a, b, show }) => {
      await a.write(2);
      await b.witness.confirm('orgA', await a.witness.show('orgB'));
      await a.write(2);
      await show();
      deepEqual(
        (await entriesOf(b)).map(({ body }) => body.theirs?.size),
        [4],
      );
    }));

  it('goes on with several tasks at once, and after one that was given up', () =>
    withExchange(async ({ a, b, show }) => {
      await a.write(1);
      await rejects(show(UNKNOWN), { code: 'unknown_task' });
      await Promise.all(Array.from({ length: 8 }, () => show()));
      const sizes = (await entriesOf(b)).map(({ body }) => body.theirs!.size);
      equal(sizes.length, 8);
      deepEqual(
        sizes,
        sizes.toSorted((x, y) => x - y),
      );
    }));

  for (const [code, entries] of [
    ['audit_rolled_back', 2],
    ['audit_forked', 9],
  ] as const) {
    it(`ends with ${code}, which both record`, () =>
      withExchange(async ({ a, b, show, as, other }) => {
        await a.write(5);
        await show();
        const otherA = await other(a);
        await otherA.write(entries);
        await rejects(showLog(as(otherA), TASK, 'orgB', 'consensus'), { code });
        const [own, theirs] = [await entriesOf(otherA), await entriesOf(b)];
        deepEqual([own.at(-1)!.body.code, own.at(-1)!.body.own!.size], [code, entries]);
        deepEqual([theirs.at(-1)!.body.code, theirs.at(-1)!.body.theirs!.size], [code, entries]);
      }));
  }

  it('is for parties of a task that this node knows', () =>
    withExchange(async ({ b, show }) => {
      await rejects(show(UNKNOWN), { code: 'unknown_task' });
      deepEqual(await entriesOf(b), []);
    }));

  it('takes no answer that is none, and records that it was not confirmed', () =>
    withExchange(async ({ a, b, client }) => {
      await a.write(2);
      const { answer } = await b.witness.confirm('orgA', await a.witness.show('orgB'));
      ok(!('lacks' in answer));
      const logKey = new TextEncoder().encode(JSON.stringify(answer.logKey));
      const cosigned = (change: { logKey?: Uint8Array; signature?: Uint8Array }) => {
        const value = { logKey, signature: answer.signature, ...change };
        return { result: { $case: 'cosigned', value } } as const;
      };
      const flipped = Uint8Array.from(answer.signature);
      flipped[50]! ^= 1;
      const lacks = { result: { $case: 'lacks', value: 1n } } as const;
      const answers: Readonly<Record<string, CheckpointResponse>> = {
        nothing: {} as CheckpointResponse,
        'a size, again and again': lacks,
        'a short signature': cosigned({ signature: answer.signature.subarray(1) }),
        'a long signature': cosigned({ signature: new Uint8Array(73) }),
        'another signature': cosigned({ signature: flipped }),
        'no log key': cosigned({ logKey: new Uint8Array(3) }),
      };
      for (const [what, response] of Object.entries(answers)) {
        const peers = { call: async () => response } as unknown as typeof client.peers;
        const shown = showLog({ ...client, peers }, TASK, 'orgB', 'end');
        await rejects(shown, { code: 'malformed_message' }, what);
        const { code, theirs } = (await entriesOf(a)).at(-1)!.body;
        deepEqual([code, theirs], ['malformed_message', null], what);
      }
      equal((await witnessRecords(a)).length, 0, 'nothing of it counts');
    }));

  it('refuses what is malformed, by code, and records nothing of it', () =>
    withExchange(async ({ a, b, client }) => {
      const { logKey, note, from, proof } = await a.witness.show('orgB');
      const request: CheckpointRequest = {
        taskId: Buffer.from(TASK, 'hex'),
        at: 'end',
        logKey: new TextEncoder().encode(JSON.stringify(logKey)),
        note,
        from: BigInt(from),
        proof: [...proof],
      };
      const changes: Partial<CheckpointRequest>[] = [
        { taskId: new Uint8Array(31) },
        { at: 'sometime' },
        { logKey: new Uint8Array(0) },
        { logKey: new Uint8Array(2000) },
        { note: 'x'.repeat(5000) },
        { from: 2n ** 60n },
        { proof: [new Uint8Array(31)] },
        { proof: Array.from({ length: 65 }, () => new Uint8Array(32)) },
      ];
      for (const change of changes) {
        const { result } = await client.peers.call('orgB', METHODS.checkpoint, {
          ...request,
          ...change,
        });
        equal(result?.$case, 'refused', Object.keys(change)[0]);
        equal(result.value.code, 'malformed_message');
      }
      deepEqual(await entriesOf(b), []);
      const { result } = await client.peers.call('orgB', METHODS.checkpoint, request);
      equal(result?.$case, 'cosigned', 'the rest of it was well-formed');
    }));
});
