/**
 * How fast a whole audit log is verified from its bundle, as an auditor does it: a file, read in one
 * pass, every entry decoded and hashed, the tree made anew and held against the signed checkpoint.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatCheckpoint } from '../src/party/audit/checkpoint.ts';
import { type Entry, type EntryKind, encodeEntry } from '../src/party/audit/entry.ts';
import { BUNDLE_FORMAT, entryLine, formatLine } from '../src/party/audit/evidence/bundle.ts';
import { fingerprintOf, KEYS_FORMAT, trustedKeys } from '../src/party/audit/evidence/keys.ts';
import { type EvidenceReport, verifyBundle } from '../src/party/audit/evidence/verify.ts';
import { logKey } from '../src/party/audit/log-key.ts';
import { Frontier, leafHash } from '../src/party/audit/merkle.ts';
import { rawPublicKey } from '../src/party/audit/note-key.ts';
import { signNote } from '../src/party/audit/signed-note.ts';
import { signedBytes } from '../src/party/signed-bytes.ts';
import { SAMPLE_BODIES } from '../test/support/audit-entries.ts';
import { readOptions, wholeNumber } from './options.ts';
import type { BenchResult } from './result.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

const PARTY = 'orgA';
const READ_BYTES = 1 << 18;

/** The kinds of a task's entries, as often as a training of some minutes has them. */
const TASK: readonly EntryKind[] = [
  ...(['contract', 'vote', 'vote', 'certificate', 'checkpoint_exchange'] as const),
  ...(['data_access', 'session_opened'] as const),
  ...Array.from(
    { length: 24 },
    (_, i) => (i % 6 === 5 ? 'disclosure' : 'phase_receipt') as EntryKind,
  ),
  ...(['session_closed', 'result', 'result', 'checkpoint_exchange', 'delivery'] as const),
];

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, { entries: { type: 'string', default: '1000000' } });
  const entries = wholeNumber('entries', values.entries);
  return inTemporaryFolder(async (folder) => {
    const file = join(folder, 'entries.jsonl');
    const { head, tail, keys } = await writeLog(file, entries);
    const began = performance.now();
    const before = process.cpuUsage();
    const report = await verifyBundle(bundleOf(head, file, tail), keys);
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    const changed = await verifyBundle(bundleOf(head, file, tail, entries), keys);
    const { size } = await stat(file);
    return {
      bench: 'audit',
      params: { entries },
      correct: report.ok && report.entries === entries && isAltered(changed),
      seconds,
      entriesPerSecond: entries / seconds,
      bytesSent: {},
      peakRssMb: { verifier: process.resourceUsage().maxRSS / 1024 },
      metrics: {
        cpuSeconds: (user + system) / 1e6,
        bundleBytes: size,
        bytesPerEntry: size / entries,
      },
      notes: [
        'the bundle of a whole log; entries of the kinds and sizes of trainings',
        'correct: verified as it is, and not with one changed byte',
      ],
    };
  });
}

function isAltered({ findings }: EvidenceReport): boolean {
  return findings.some(({ reason }) => reason === 'entry_altered');
}

/** The pieces of the bundle; with `entries`, the salt of the entry in the middle is another one. */
async function* bundleOf(
  head: string,
  file: string,
  tail: string,
  entries?: number,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head);
  const salt = Buffer.from(saltOf((entries ?? 0) >> 1));
  let isChanged = entries === undefined;
  for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES })) {
    const bytes = chunk as Buffer;
    const at = isChanged ? -1 : bytes.indexOf(salt);
    if (at >= 0) {
      bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30;
      isChanged = true;
    }
    yield bytes;
  }
  yield Buffer.from(tail);
}

/** Writes the lines of the entries, and tells what stands before and after them. */
async function writeLog(file: string, entries: number) {
  const tree = Frontier.empty();
  function* lines(): Generator<string> {
    for (let index = 0; index < entries; index++) {
      const bytes = encodeEntry(entryAt(index));
      tree.append(leafHash(bytes));
      yield entryLine(index, bytes, null);
    }
  }
  await pipeline(Readable.from(batches(lines())), createWriteStream(file));

  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(rawPublicKey(publicKey)).toString('hex');
  const identity = {
    name: PARTY,
    fingerprint: fingerprintOf(raw),
    sign: (domain: string, message: Uint8Array) =>
      sign(null, signedBytes(domain, message), privateKey),
  };
  const key = logKey(identity, generateKeyPairSync('ed25519').privateKey, () => 0);
  const text = formatCheckpoint({ origin: key.origin, size: entries, root: tree.root() });
  const head = [
    formatLine({
      line: 'header',
      format: BUNDLE_FORMAT,
      party: PARTY,
      scope: 'all',
      task: null,
      logKey: key.certificate,
    }),
    formatLine({ line: 'checkpoint', note: signNote(text, key.checkpoints) }),
  ].join('');
  const digest = createHash('sha256').update(head);
  for await (const chunk of createReadStream(file)) digest.update(chunk as Buffer);
  const tail = formatLine({ line: 'end', entries, digest: digest.digest('hex') });
  const trusted = { format: KEYS_FORMAT, parties: [{ name: PARTY, publicKey: raw }] };
  return { head, tail, keys: trustedKeys([JSON.stringify(trusted)]) };
}

/** Joined a thousand at a time: a write for each line would measure nothing but writes. */
function* batches(lines: Iterable<string>): Generator<string> {
  let batch: string[] = [];
  for (const line of lines) {
    batch.push(line);
    if (batch.length < 1000) continue;
    yield batch.join('');
    batch = [];
  }
  yield batch.join('');
}

function entryAt(index: number): Entry {
  const task = Math.floor(index / TASK.length);
  const seq = index % TASK.length;
  const kind = TASK[seq]!;
  return {
    v: 1,
    kind,
    time: new Date(Date.UTC(2026, 0, 1) + 100 * index).toISOString(),
    salt: saltOf(index),
    task: createHash('sha256').update(`task ${task}`).digest('hex'),
    seq,
    attempt: 1,
    body: SAMPLE_BODIES[kind],
  } as Entry;
}

function saltOf(index: number): string {
  return createHash('sha256').update(`salt ${index}`).digest('hex').slice(0, 32);
}
