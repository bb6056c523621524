import { deepEqual } from 'node:assert/strict';
import { formatCheckpoint } from '../../../../src/party/audit/checkpoint.ts';
import type { EntryBody } from '../../../../src/party/audit/entry.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { signatureBy, signNote, withSignature } from '../../../../src/party/audit/signed-note.ts';
import { auditedTask, sourceOf } from '../../../support/audited-task.ts';
import {
  bytesOf,
  type EvidenceParty,
  evidenceParty,
  hexOf,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';

type Shown = NonNullable<EntryBody<'checkpoint_exchange'>['own']>;

/** A state of `of`'s log, as it says, signed by it and cosigned by `by`. */
function shown(of: EvidenceParty, by: EvidenceParty, size: number, root?: Uint8Array): Shown {
  const state = { origin: of.key.origin, size, root: root ?? of.log.root(size) };
  const text = formatCheckpoint(state);
  const note = withSignature(
    signNote(text, of.key.checkpoints),
    signatureBy(by.key.cosignatures, text),
  );
  return { size, root: hexOf(state.root), note };
}

/** What is wrong with orgA's bundle once it logged one more exchange with orgB. */
async function found(
  body: (a: EvidenceParty, b: EvidenceParty) => { readonly own?: Shown; readonly theirs?: Shown },
): Promise<readonly string[]> {
  const task = await auditedTask();
  const { a, b, taskId } = task;
  const also = { own: null, theirs: null, ...body(a, b) };
  const exchange = { witness: 'orgB', at: 'request', code: null, ...also } as const;
  await a.trail.record('checkpoint_exchange', { task: taskId }, exchange);
  const lines = await taskBundle(sourceOf(task, a), taskId);
  const { findings } = await verifyBundle(bytesOf(lines), trustIn([a, b]));
  return findings.map(({ reason }) => reason).sort();
}

describe('confirmations in a log', () => {
  const other = new Uint8Array(32).fill(7);
  const said = (state: Shown, change: Partial<Shown>): Shown => ({ ...state, ...change });

  it('may be of any state that the log continues, and of any of the other’s', async () => {
    const all = await found((a, b) => ({ own: shown(a, b, 9), theirs: shown(b, a, 3, other) }));
    deepEqual(all, []);
  });

  it('are of states that the log continues', async () => {
    deepEqual(await found((a, b) => ({ own: shown(a, b, 9, other) })), ['log_forked']);
    deepEqual(await found((a, b) => ({ own: shown(a, b, a.log.size + 50, other) })), [
      'entry_reordered',
      'log_truncated',
    ]);
  });

  it('are not of states that come after them', async () => {
    const later = await found((a, b) => ({ own: shown(a, b, a.log.size + 1, other) }));
    deepEqual(later, ['entry_reordered', 'log_forked']);
  });

  it('are of what the entry says', async () => {
    for (const change of [{ size: 8 }, { root: '77'.repeat(32) }]) {
      const own = await found((a, b) => ({ own: said(shown(a, b, 9), change) }));
      const theirs = await found((a, b) => ({ theirs: said(shown(b, a, 3), change) }));
      deepEqual([own, theirs], [['checkpoint_forged'], ['checkpoint_forged']]);
    }
  });

  it('are signed by the log and by the other party', async () => {
    const [ofA, ofB] = [evidenceParty('orgA', 8), evidenceParty('orgB', 9)];
    deepEqual(await found((a) => ({ own: shown(a, ofB, 9) })), ['cosignature_forged']);
    deepEqual(await found((_, b) => ({ theirs: shown(b, ofA, 3) })), ['cosignature_forged']);
    deepEqual(await found((_, b) => ({ own: shown(ofA, b, 0) })), ['wrong_key']);
    deepEqual(await found((a) => ({ theirs: shown(ofB, a, 0) })), ['wrong_key']);
  });
});
