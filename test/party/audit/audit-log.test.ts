import { deepEqual, equal, notEqual, ok, rejects, throws } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { AuditLog } from '../../../src/party/audit/audit-log.ts';
import { openCheckpoint } from '../../../src/party/audit/checkpoint.ts';
import { decodeEntry, MAX_ENTRY_BYTES } from '../../../src/party/audit/entry.ts';
import { Frontier, leafHash } from '../../../src/party/audit/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../../src/party/audit/merkle-proof.ts';
import {
  cosigner,
  noteSigner,
  noteVerifier,
  rawPublicKey,
} from '../../../src/party/audit/note-key.ts';
import { COSIGNATURE_V1, ED25519, signatureBy } from '../../../src/party/audit/signed-note.ts';
import type { NewEntry } from '../../../src/party/audit/stored-entries.ts';
import { trailInto } from '../../../src/party/audit/trail.ts';
import { Store, storeKey } from '../../../src/party/store.ts';
import { SAMPLE_BODIES, SAMPLE_TASK } from '../../support/audit-entries.ts';
import { crashRepeatedly } from '../../support/audit-log-crashes.ts';
import { mortalStore } from '../../support/mortal-store.ts';
import { referenceRoot } from '../../support/reference-merkle.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const KEY = { origin: 'log', checkpoints: noteSigner('log', privateKey) };
const VERIFIER = noteVerifier({ name: 'log', type: ED25519, publicKey: rawPublicKey(privateKey) });

const bytes = (i: number): Uint8Array => new Uint8Array(Buffer.from(`entry ${i}`));
const entry = (i: number, task: string | null = null): NewEntry => ({ task, bytes: bytes(i) });
const entries = (start: number, end: number): NewEntry[] =>
  Array.from({ length: end - start }, (_, i) => entry(start + i));

function rootOf(size: number): Uint8Array {
  const frontier = Frontier.empty();
  for (let i = 0; i < size; i++) frontier.append(leafHash(bytes(i)));
  return frontier.root();
}

/** A log in a directory of its own, which `reopen` closes and opens again. */
interface Opened {
  log: AuditLog;
  store: Store;
  readonly folder: string;
  readonly reopen: (between?: (store: Store) => Promise<void>) => Promise<void>;
}

async function withLog(use: (opened: Opened) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const [path, folder] = [join(directory, 'store'), join(directory, 'audit')];
    const open = async () => {
      const store = await Store.open(path);
      try {
        return { store, log: await AuditLog.open({ folder }, { store, key: KEY }) };
      } catch (error) {
        await store.close();
        throw error;
      }
    };
    const opened: Opened = {
      ...(await open()),
      folder,
      async reopen(between) {
        await opened.log.close();
        await between?.(opened.store);
        await opened.store.close();
        Object.assign(opened, await open());
      },
    };
    try {
      await use(opened);
    } finally {
      await opened.log.close();
      await opened.store.close();
    }
  });
}

describe('audit log', () => {
  it('writes what goes with an entry in the same batch, or neither', () =>
    withLog(async (opened) => {
      const { log, store } = opened;
      const salts = store.table<string>('auditSalts');
      await log.append([entry(0)], [salts.put('a', 'salt')]);
      equal(await salts.get('a'), 'salt');
      await log.close();
      await rejects(log.append([entry(1)], [salts.put('b', 'salt')]), { code: 'log_closed' });
      equal(await salts.get('b'), undefined);
      await opened.reopen();
      equal(opened.log.size, 1);
    }));

  it('appends in the order of the calls, whoever waits for what', () =>
    withLog(async ({ log }) => {
      const calls = [3, 1, 0, 5, 1].map((count, i) =>
        log.append(Array.from({ length: count }, (_, j) => entry(10 * i + j))),
      );
      deepEqual(await Promise.all(calls), [[0, 1, 2], [3], [], [4, 5, 6, 7, 8], [9]]);
      const expected = [0, 1, 2, 10, 30, 31, 32, 33, 34, 40].map(bytes);
      const stored: Uint8Array[] = [];
      for await (const each of log.entries(0, 10)) stored.push(each);
      deepEqual(stored, expected);
      deepEqual(await log.entry(4), expected[4]);
      deepEqual(log.head(), { size: 10, root: referenceRoot(expected) });
    }));

  it('writes what waits in one batch', () =>
    withLog(async ({ store, folder }) => {
      const { store: counted, writes } = mortalStore(store);
      const log = await AuditLog.open({ folder }, { store: counted, key: KEY });
      await Promise.all(Array.from({ length: 100 }, (_, i) => log.append([entry(i)])));
      equal(writes.length, 2);
    }));

  it('writes what waits in as many batches as hold 4 MiB each', () =>
    withLog(async ({ store, folder }) => {
      const { store: counted, writes } = mortalStore(store);
      const log = await AuditLog.open({ folder }, { store: counted, key: KEY });
      const large = { task: null, bytes: new Uint8Array(MAX_ENTRY_BYTES).fill(0x61) };
      const call = Array.from({ length: Math.floor((3 << 20) / MAX_ENTRY_BYTES) }, () => large);
      await Promise.all([[entry(0)], call, call, [entry(1)]].map((each) => log.append(each)));
      equal(writes.length, 3);
    }));

  it('proves every entry and every earlier size, also after it was reopened', () =>
    withLog(async (opened) => {
      const size = 600;
      for (let i = 0; i < size; i += 40) await opened.log.append(entries(i, i + 40));
      for (const when of ['appended', 'reopened']) {
        const { log } = opened;
        const { root } = log.head();
        deepEqual(root, rootOf(size), when);
        for (let i = 0; i < size; i += 7) {
          const leaf = leafHash(bytes(i));
          ok(verifyInclusion(i, size, leaf, root, await log.inclusionProof(i, size)), `${i}`);
          const inclusion = await log.inclusionProof(i, i + 1);
          ok(verifyInclusion(i, i + 1, leaf, await log.rootOf(i + 1), inclusion), `${i}`);
          const proof = await log.consistencyProof(i, size);
          ok(verifyConsistency(i, size, await log.rootOf(i), root, proof), `${i}`);
        }
        await opened.reopen();
      }
    }));

  it('is the same log however appends, checkpoints and restarts come', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ what: fc.constant('append'), count: fc.integer({ min: 0, max: 300 }) }),
            fc.record({ what: fc.constantFrom('checkpoint', 'reopen'), count: fc.constant(0) }),
          ),
          { maxLength: 12 },
        ),
        async (steps) =>
          withLog(async (opened) => {
            let size = 0;
            for (const { what, count } of steps) {
              if (what === 'append') await opened.log.append(entries(size, size + count));
              if (what === 'checkpoint') {
                equal((await opened.log.checkpoint()).size, size);
              }
              if (what === 'reopen') await opened.reopen();
              size += count;
            }
            deepEqual(opened.log.head(), { size, root: rootOf(size) });
          }),
      ),
      { numRuns: 12 },
    ));

  it('takes what a trail records, and numbers go on after a restart', () =>
    withLog(async (opened) => {
      for (const first of [0, 4]) {
        const trail = trailInto(opened.log, { now: () => 0, rng: seededRng(1) });
        const of = { task: SAMPLE_TASK };
        const recorded = [
          trail.record('contract', of, SAMPLE_BODIES.contract),
          trail.record('policy', {}, SAMPLE_BODIES.policy),
          trail.record('vote', of, SAMPLE_BODIES.vote),
          trail.record('vote', of, SAMPLE_BODIES.vote),
        ];
        const indices = await Promise.all(recorded);
        deepEqual(
          indices.toSorted((a, b) => a - b),
          [0, 1, 2, 3].map((i) => first + i),
        );
        await opened.reopen();
      }
      const indices = await opened.log.taskIndices(SAMPLE_TASK);
      const stored = await Promise.all(indices.map((index) => opened.log.entry(index)));
      deepEqual(
        stored.map((each) => decodeEntry(each).seq),
        [0, 1, 2, 3, 4, 5],
      );
    }));

  it('knows the entries of a task', () =>
    withLog(async (opened) => {
      await opened.log.append([entry(0, 'a'), entry(1, 'ab'), entry(2), entry(3, 'a')]);
      await opened.log.append([entry(4, 'a')]);
      await opened.reopen();
      deepEqual(await opened.log.taskIndices('a'), [0, 3, 4]);
      deepEqual(await opened.log.taskIndices('ab'), [1]);
      equal(await opened.log.taskCount('none'), 0);
    }));

  it('refuses entries that cannot be stored, and goes on', () =>
    withLog(async ({ log }) => {
      await log.append([{ task: null, bytes: new Uint8Array(MAX_ENTRY_BYTES).fill(0x61) }]);
      const long = { task: null, bytes: new Uint8Array(MAX_ENTRY_BYTES + 1).fill(0x61) };
      await rejects(log.append([entry(1), long]), RangeError);
      await rejects(log.append([{ task: null, bytes: Uint8Array.of(0xff) }]), TypeError);
      await rejects(log.append([entry(1, 'a/b')]), RangeError);
      deepEqual(await log.append([{ task: null, bytes: Buffer.from('\ufeffx') }]), [1]);
      deepEqual(await log.entry(1), new Uint8Array(Buffer.from('\ufeffx')));
    }));

  it('refuses what is beyond its entries', () =>
    withLog(async ({ log }) => {
      await log.append(entries(0, 5));
      await rejects(log.entry(5), RangeError);
      await rejects(log.entry(-1), RangeError);
      throws(() => log.entries(0, 6), RangeError);
      await rejects(log.rootOf(6), RangeError);
      await rejects(log.inclusionProof(0, 6), RangeError);
      await rejects(log.inclusionProof(5, 5), RangeError);
      await rejects(log.consistencyProof(1, 6), RangeError);
      await rejects(log.consistencyProof(5, 4), RangeError);
    }));
});

describe('audit log that fails', () => {
  it('acknowledges nothing after a write that failed, until it is reopened', () =>
    withLog(async (opened) => {
      await opened.log.append(entries(0, 3));
      const mortal = mortalStore(opened.store);
      const deps = { store: mortal.store, key: KEY };
      const log = await AuditLog.open({ folder: opened.folder }, deps);
      mortal.full = true;
      const failed = { name: 'AuditError', code: 'log_failed' };
      const calls = [log.append(entries(3, 4)), log.append(entries(4, 5))];
      for (const call of calls) await rejects(call, failed);
      mortal.full = false;
      await rejects(log.append(entries(3, 4)), failed);
      await rejects(log.checkpoint(), failed);
      equal(log.size, 3);
      await opened.reopen();
      deepEqual(await opened.log.append(entries(3, 4)), [3]);
    }));

  it('refuses appends once closed, and has those before', () =>
    withLog(async (opened) => {
      const { log } = opened;
      const pending = log.append(entries(0, 300));
      const closing = log.close();
      const closed = { name: 'AuditError', code: 'log_closed' };
      await rejects(log.append(entries(300, 301)), closed);
      equal((await pending).length, 300);
      await closing;
      await rejects(log.checkpoint(), closed);
      await opened.reopen();
      equal(opened.log.size, 300);
    }));

  it('is closed once appends and their tiles are on the disk', () =>
    withLog(async ({ log, store, folder }) => {
      const pending = log.append(entries(0, 300));
      await log.close();
      equal(log.size, 300);
      equal((await store.table<string>('auditEntries').list()).length, 300);
      ok(existsSync(join(folder, 'tile/0/000')));
      equal((await pending).length, 300);
    }));

  it('loses nothing acknowledged when it is killed', () =>
    withTemporaryDirectory((folder) => crashRepeatedly(folder, 4, 1)));
});

describe('checkpoints of the audit log', () => {
  it('are signed over what is appended, kept, and written beside the tiles', () =>
    withLog(async (opened) => {
      const { log, folder } = opened;
      equal(log.lastCheckpoint(), null);
      const empty = await log.checkpoint();
      equal(openCheckpoint(empty.note, 'log', [VERIFIER]).size, 0);
      await log.append(entries(0, 300));
      equal(log.lastCheckpoint()?.size, 0);
      const first = await log.checkpoint();
      const { size, root } = openCheckpoint(first.note, 'log', [VERIFIER]);
      deepEqual({ size, root }, log.head());
      equal(await log.checkpoint(), first, 'nothing new, nothing signed');
      equal(readFileSync(join(folder, 'checkpoint'), 'utf8'), first.note);
      equal(statSync(join(folder, 'checkpoint')).mode & 0o777, 0o600);
      equal(statSync(join(folder, 'tile/0/001.p/44')).size, 44 * 32);
      await log.append(entries(300, 301));
      const second = await log.checkpoint();
      await opened.reopen();
      deepEqual(opened.log.lastCheckpoint(), second);
      deepEqual(await opened.log.checkpoints(0, 10), [empty, first, second]);
      deepEqual(await opened.log.checkpoints(1, 1), [first]);
    }));

  it('are of one size at a time, however many ask', () =>
    withLog(async ({ log }) => {
      const appended = log.append(entries(0, 2));
      const asked = Promise.all([log.checkpoint(), log.checkpoint()]);
      await appended;
      const sizes = [...(await asked), await log.checkpoint()].map(({ size }) => size);
      deepEqual(
        sizes,
        sizes.toSorted((a, b) => a - b),
      );
      equal(sizes.at(-1), 2);
    }));

  it('collect cosignatures', () =>
    withLog(async (opened) => {
      const { log, folder } = opened;
      await log.append(entries(0, 2));
      const { note, size } = await log.checkpoint();
      const { privateKey: other } = generateKeyPairSync('ed25519');
      const witness = cosigner('witness', other, () => 7);
      const key = { name: 'witness', type: COSIGNATURE_V1, publicKey: rawPublicKey(other) };
      const text = note.slice(0, note.indexOf('\n\n') + 1);
      await log.addCosignature(size, signatureBy(witness, text));
      await log.append(entries(2, 3));
      await log.checkpoint();
      await log.addCosignature(size, signatureBy(witness, text));
      await opened.reopen();
      const [cosigned, last] = await opened.log.checkpoints(0, 10);
      const known = [VERIFIER, noteVerifier(key)] as const;
      equal(openCheckpoint(cosigned!.note, 'log', known).verified.length, 2);
      equal(readFileSync(join(folder, 'checkpoint'), 'utf8'), last!.note);
      await rejects(opened.log.addCosignature(1, signatureBy(witness, text)), RangeError);
    }));
});

describe('reopening the audit log', () => {
  const CORRUPT = { name: 'AuditError', code: 'corrupt_log' };

  it('mends tiles that lag behind, are lost or are wrong', () =>
    withLog(async (opened) => {
      await opened.log.append(entries(0, 1000));
      await opened.log.checkpoint();
      const tile = join(opened.folder, 'tile/0/001');
      const edge = join(opened.folder, 'tile/0/003.p/232');
      const whole = readFileSync(tile);
      const wrong = Uint8Array.from(whole);
      wrong[0]! ^= 1;
      for (const damage of [
        () => rmSync(join(opened.folder, 'tile'), { recursive: true }),
        () => rmSync(tile),
        () => {
          writeFileSync(tile, wrong);
          rmSync(edge, { force: true });
        },
      ]) {
        await opened.reopen(async () => damage());
        deepEqual(opened.log.head(), { size: 1000, root: rootOf(1000) });
        const proof = await opened.log.inclusionProof(300, 1000);
        ok(verifyInclusion(300, 1000, leafHash(bytes(300)), rootOf(1000), proof));
        deepEqual(readFileSync(tile), whole);
      }
      ok(existsSync(edge), 'what is made anew has the growing tiles, too');
      await opened.reopen(async () => writeFileSync(join(opened.folder, 'checkpoint'), 'older'));
      const note = readFileSync(join(opened.folder, 'checkpoint'), 'utf8');
      equal(note, opened.log.lastCheckpoint()!.note);
    }));

  it('leaves tiles as they are that are right', () =>
    withLog(async (opened) => {
      await opened.log.append(entries(0, 300));
      await opened.log.checkpoint();
      const mark = join(opened.folder, 'tile/mark');
      writeFileSync(mark, '');
      await opened.reopen();
      ok(existsSync(mark), 'the tiles were not made anew');
    }));

  it('refuses a log that is shorter than the last checkpoint', () =>
    withLog(async (opened) => {
      await opened.log.append(entries(0, 5));
      await opened.log.checkpoint();
      const cut = opened.reopen((store) =>
        store.write(store.table('auditEntries').delete(storeKey(4))),
      );
      await rejects(cut, { ...CORRUPT, message: /has 4 entries and signed a checkpoint of 5$/ });
    }));

  it('refuses entries that are not those whose checkpoint it signed', () =>
    withLog(async (opened) => {
      await opened.log.append(entries(0, 300));
      await opened.log.checkpoint();
      const rewritten = opened.reopen(async (store) => {
        await store.write(store.table('auditEntries').put(storeKey(299), 'entry'));
      });
      await rejects(rewritten, CORRUPT);
    }));

  it('refuses a gap in the entries', () =>
    withLog(async (opened) => {
      await opened.log.append(entries(0, 5));
      const gap = opened.reopen((store) =>
        store.write(store.table('auditEntries').delete(storeKey(3))),
      );
      await rejects(gap, CORRUPT);
    }));

  it('refuses another log key', () =>
    withLog(async ({ log, store, folder }) => {
      await log.append(entries(0, 5));
      await log.checkpoint();
      const other = generateKeyPairSync('ed25519').privateKey;
      const key = { origin: 'log', checkpoints: noteSigner('log', other) };
      notEqual(key.checkpoints.keyId, KEY.checkpoints.keyId);
      await rejects(AuditLog.open({ folder }, { store, key }), { code: 'bad_log_key' });
    }));
});
