import { deepEqual } from 'node:assert/strict';
import { decodeEntry, type Entry, type EntryBody } from '../../../../src/party/audit/entry.ts';
import { awaitedParties } from '../../../../src/party/audit/evidence/closing.ts';
import { type AuditedTask, auditedTask } from '../../../support/audited-task.ts';

describe('closing of a task', () => {
  let task: AuditedTask;
  let entries: readonly Entry[];
  before(async () => {
    task = await auditedTask();
    entries = task.a.log.rows.map(({ bytes }) => decodeEntry(bytes));
  });

  async function awaited(kept: (entry: Entry) => boolean): Promise<readonly string[]> {
    async function* given(): AsyncGenerator<Entry> {
      yield* entries.filter(kept);
    }
    return awaitedParties('orgA', task.contract, given());
  }

  it('is over once every party has signed, and this one has shown its log', async () => {
    deepEqual(await awaited(() => true), []);
  });

  it('waits for this party’s own word, and for every other’s', async () => {
    const without = (name: string) => (entry: Entry) =>
      entry.kind !== 'result' || entry.body.receipt.body.signer !== name;
    deepEqual(await awaited(without('orgA')), ['orgA']);
    deepEqual(await awaited(without('orgB')), ['orgB']);
  });

  it('waits for the log to be shown at the end, but for nobody who is away', async () => {
    const before = entries.filter(
      ({ kind, body }) => kind !== 'checkpoint_exchange' || body.at !== 'end',
    );
    deepEqual(await awaited((entry) => before.includes(entry)), ['orgB']);
    const exchange = entries.find(({ kind }) => kind === 'checkpoint_exchange') as Entry;
    const { theirs } = exchange.body as EntryBody<'checkpoint_exchange'>;
    const last = async (said: Partial<EntryBody<'checkpoint_exchange'>>) => {
      const body = { at: 'end', witness: 'orgB', code: null, own: null, theirs: null, ...said };
      async function* tried(): AsyncGenerator<Entry> {
        yield* before;
        yield { ...exchange, body } as Entry;
      }
      return awaitedParties('orgA', task.contract, tried());
    };
    deepEqual(await last({ code: 'unreachable' }), []);
    deepEqual(await last({ code: 'unreachable', theirs }), ['orgB'], 'it was there');
    deepEqual(await last({ theirs }), ['orgB'], 'it showed its own');
    deepEqual(await last({}), ['orgB']);
  });
});
