import { deepEqual, equal, rejects } from 'node:assert/strict';
import { decodeEntry } from '../../../src/party/audit/entry.ts';
import { type EntryLog, trailInto } from '../../../src/party/audit/trail.ts';
import { SAMPLE_BODIES, SAMPLE_TASK } from '../../support/audit-entries.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const OTHER_TASK = '6'.repeat(64);

/** A log in memory, whose tasks had `before` entries already. */
function memoryLog(before = 0): EntryLog & { readonly bytes: Uint8Array[] } {
  const bytes: Uint8Array[] = [];
  return {
    bytes,
    append: async (entries) => entries.map((entry) => bytes.push(entry.bytes) - 1),
    taskCount: async () => before,
  };
}

const DEPS = { now: () => Date.UTC(2026, 2, 1), rng: seededRng('trail') };

describe('trail', () => {
  it('numbers the entries of each task in the order of the calls', async () => {
    const log = memoryLog(5);
    const trail = trailInto(log, DEPS);
    const { error, policy } = SAMPLE_BODIES;
    await Promise.all([
      trail.record('error', { task: SAMPLE_TASK }, { ...error, code: 'first' }),
      trail.record('error', { task: OTHER_TASK }, { ...error, code: 'other' }),
      trail.record('error', { task: SAMPLE_TASK, attempt: 2 }, { ...error, code: 'second' }),
      trail.record('policy', {}, policy),
    ]);
    await trail.record('error', { task: SAMPLE_TASK }, { ...error, code: 'third' });
    const entries = log.bytes.map(decodeEntry);
    const of = (task: string | null) => entries.filter((entry) => entry.task === task);
    deepEqual(
      of(SAMPLE_TASK).map(({ seq, attempt, body }) => [seq, attempt, 'code' in body && body.code]),
      [
        [5, null, 'first'],
        [6, 2, 'second'],
        [7, null, 'third'],
      ],
    );
    deepEqual(
      of(OTHER_TASK).map(({ seq }) => seq),
      [5],
    );
    deepEqual(
      of(null).map(({ seq }) => seq),
      [null],
    );
    equal(new Set(entries.map(({ salt }) => salt)).size, entries.length);
  });

  it('numbers on where it was after so many tasks that it forgot some', async () => {
    const bytes: Uint8Array[] = [];
    const ofTask = new Map<string, number>();
    const trail = trailInto(
      {
        append: async (entries) =>
          entries.map(({ task, bytes: entry }) => {
            ofTask.set(task!, (ofTask.get(task!) ?? 0) + 1);
            return bytes.push(entry) - 1;
          }),
        taskCount: async (task) => ofTask.get(task) ?? 0,
      },
      DEPS,
    );
    const task = (i: number): string => i.toString(16).padStart(64, '0');
    const { error } = SAMPLE_BODIES;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 1010; i++) await trail.record('error', { task: task(i) }, error);
    }
    const seqs = bytes.map((entry) => decodeEntry(entry).seq);
    deepEqual([seqs.filter((seq) => seq === 0).length, seqs.length], [1010, 2020]);
    deepEqual(new Set(seqs), new Set([0, 1]));
  });

  it('does not spend a number on what cannot be an entry', async () => {
    const log = memoryLog();
    const trail = trailInto(log, DEPS);
    const scope = { task: SAMPLE_TASK };
    await rejects(trail.record('disclosure', scope, SAMPLE_BODIES.disclosure), {
      code: 'malformed_entry',
    });
    await trail.record('error', scope, SAMPLE_BODIES.error);
    equal(decodeEntry(log.bytes[0]!).seq, 0);
  });
});
