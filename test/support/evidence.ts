/**
 * Two or more parties' logs in memory, with real keys and signatures, and the evidence they export. What
 * a deviating party does is said in `Deviations`: it writes and signs other things than it should.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { formatCheckpoint } from '../../src/party/audit/checkpoint.ts';
import type { EntryBody } from '../../src/party/audit/entry.ts';
import type { OpeningLine } from '../../src/party/audit/evidence/bundle.ts';
import {
  type EvidenceLog,
  type EvidenceSource,
  exportLog,
  exportTask,
  type SignedState,
} from '../../src/party/audit/evidence/export.ts';
import {
  fingerprintOf,
  KEYS_FORMAT,
  type TrustedKeys,
  trustedKeys,
} from '../../src/party/audit/evidence/keys.ts';
import { type LogKey, logKey } from '../../src/party/audit/log-key.ts';
import {
  completeSubtrees,
  joinSubtrees,
  leafHash,
  nodeHash,
} from '../../src/party/audit/merkle.ts';
import { consistencyProof, inclusionProof } from '../../src/party/audit/merkle-proof.ts';
import { rawPublicKey } from '../../src/party/audit/note-key.ts';
import { signatureBy, signNote, withSignature } from '../../src/party/audit/signed-note.ts';
import { type EntryLog, type Trail, trailInto } from '../../src/party/audit/trail.ts';
import type { StartCertificate } from '../../src/party/consensus/certificate.ts';
import type { Contract } from '../../src/party/consensus/contract.ts';
import type { Signer } from '../../src/party/consensus/signature.ts';
import { signedBytes } from '../../src/party/signed-bytes.ts';
import { NOW } from './contracts.ts';
import { seededRng } from './seeded-rng.ts';

/** Who signs: an organisation and its log. */
export interface EvidenceParty {
  readonly name: string;
  readonly signer: Signer;
  readonly publicKey: string;
  readonly key: LogKey;
  readonly log: MemoryLog;
  readonly trail: Trail;
  readonly clock: { now: number };
  /** The last cosigned checkpoint, by witness. */
  readonly cosigned: Map<string, string>;
}

/** A log in memory. */
export class MemoryLog implements EntryLog, EvidenceLog {
  readonly rows: { task: string | null; bytes: Uint8Array }[] = [];
  readonly #key: () => LogKey;
  readonly #hashes = new Map<string, Uint8Array>();

  constructor(key: () => LogKey) {
    this.#key = key;
  }

  get size(): number {
    return this.rows.length;
  }

  async append(entries: Parameters<EntryLog['append']>[0]): Promise<readonly number[]> {
    return entries.map((entry) => this.rows.push(entry) - 1);
  }

  async taskIndices(task: string): Promise<readonly number[]> {
    return [...this.rows.keys()].filter((i) => this.rows[i]!.task === task);
  }

  async taskCount(task: string): Promise<number> {
    return (await this.taskIndices(task)).length;
  }

  async entry(index: number): Promise<Uint8Array> {
    return this.rows[index]!.bytes;
  }

  async *entries(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (const { bytes } of this.rows.slice(start, end)) yield bytes;
  }

  async rootOf(size: number): Promise<Uint8Array> {
    return this.root(size);
  }

  root(size: number = this.size): Uint8Array {
    return joinSubtrees(
      completeSubtrees(0, size).map(({ level, index }) => this.#hash(level, index)),
    );
  }

  async checkpoint(): Promise<SignedState> {
    const { size } = this;
    const { origin, checkpoints } = this.#key();
    const root = this.root();
    const note = signNote(formatCheckpoint({ origin, size, root }), checkpoints);
    this.signed.push({ size, root, note });
    return { size, root, note };
  }

  readonly signed: SignedState[] = [];

  async checkpoints(from: number, limit: number): Promise<readonly SignedState[]> {
    return this.signed.filter(({ size }) => size >= from).slice(0, limit);
  }

  inclusionProof(index: number, size: number): Promise<readonly Uint8Array[]> {
    return inclusionProof(index, size, async (level, i) => this.#hash(level, i));
  }

  consistencyProof(first: number, second: number): Promise<readonly Uint8Array[]> {
    return consistencyProof(first, second, async (level, i) => this.#hash(level, i));
  }

  #hash(level: number, index: number): Uint8Array {
    if (level === 0) return leafHash(this.rows[index]!.bytes);
    const key = `${level}/${index}`;
    const known = this.#hashes.get(key);
    if (known) return known;
    const hash = nodeHash(this.#hash(level - 1, 2 * index), this.#hash(level - 1, 2 * index + 1));
    this.#hashes.set(key, hash);
    return hash;
  }
}

/** A signer with a key pair as a node's identity has it. */
export function evidenceSigner(name: string): {
  readonly signer: Signer;
  readonly publicKey: string;
} {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = hexOf(rawPublicKey(publicKey));
  const signer: Signer = {
    name,
    fingerprint: fingerprintOf(raw),
    sign: (domain, message) => new Uint8Array(sign(null, signedBytes(domain, message), privateKey)),
  };
  return { signer, publicKey: raw };
}

export function newLogKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

/** A party with an empty log, at `NOW`. */
export function evidenceParty(name: string, seed: number): EvidenceParty {
  const clock = { now: NOW };
  const { signer, publicKey } = evidenceSigner(name);
  const key = logKey(signer, newLogKey(), () => clock.now);
  const log = new MemoryLog(() => key);
  const now = (): number => (clock.now += 7);
  const trail = trailInto(log, { now, rng: seededRng(seed) });
  return { name, signer, publicKey, key, log, trail, clock, cosigned: new Map() };
}

/** The text of a file of trusted keys. */
export function keysText(parties: readonly Pick<EvidenceParty, 'name' | 'publicKey'>[]): string {
  const entries = parties.map(({ name, publicKey }) => ({ name, publicKey }));
  return JSON.stringify({ format: KEYS_FORMAT, parties: entries });
}

export function trustIn(parties: readonly EvidenceParty[]): TrustedKeys {
  return trustedKeys([keysText(parties)]);
}

/** Both show each other their logs, cosign what they see, and record it unless they do not get that far. */
export async function exchange(
  a: EvidenceParty,
  b: EvidenceParty,
  task: string,
  at: EntryBody<'checkpoint_exchange'>['at'],
  recording: readonly EvidenceParty[] = [a, b],
): Promise<void> {
  const shown = async (of: EvidenceParty, by: EvidenceParty) => {
    const { size, root, note } = await of.log.checkpoint();
    const text = formatCheckpoint({ origin: of.key.origin, size, root });
    const cosigned = withSignature(note, signatureBy(by.key.cosignatures, text));
    if (recording.includes(of)) of.cosigned.set(by.name, cosigned);
    return { size, root: hexOf(root), note: cosigned };
  };
  const ofA = await shown(a, b);
  const ofB = await shown(b, a);
  for (const party of recording) {
    const [witness, own, theirs] = party === a ? [b.name, ofA, ofB] : [a.name, ofB, ofA];
    await party.trail.record(
      'checkpoint_exchange',
      { task },
      { at, code: null, witness, own, theirs },
    );
  }
}

/** What a party exports of its log. */
export function evidenceSource(
  party: EvidenceParty,
  others: readonly EvidenceParty[],
  agreed: { readonly contract: Contract; readonly certificate: StartCertificate } | null,
  openings: readonly OpeningLine[] = [],
): EvidenceSource {
  return {
    party: party.name,
    log: party.log,
    logKey: party.key.certificate,
    trail: party.trail,
    identities: () => [party, ...others].map(({ name, publicKey }) => ({ name, publicKey })),
    logKeys: async () => others.map(({ key }) => key.certificate),
    cosigned: async () => [...party.cosigned].map(([witness, note]) => ({ witness, note })),
    contract: async () => agreed?.contract ?? null,
    certificate: async () => agreed?.certificate ?? null,
    // Not as a node: the tests' parties export whatever they have.
    isDecided: async () => false,
    async *openings() {
      yield* openings;
    },
  };
}

const ACTOR = { via: 'command', id: 'operator' } as const;

/** The lines of a task's bundle, without newlines. */
export async function taskBundle(
  source: EvidenceSource,
  task: string,
  options: { readonly openings?: boolean; readonly unclosed?: boolean } = {},
): Promise<string[]> {
  return linesOf(await exportTask(source, task, { actor: ACTOR, ...options }));
}

export async function logBundle(source: EvidenceSource): Promise<string[]> {
  return linesOf(exportLog(source, { actor: ACTOR }));
}

async function linesOf(pieces: AsyncIterable<string>): Promise<string[]> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text.slice(0, -1).split('\n');
}

/** The bytes of a bundle, in odd pieces. */
export function bytesOf(lines: readonly string[], pieceBytes = 1000): Uint8Array[] {
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const pieces = Math.ceil(bytes.length / pieceBytes);
  return Array.from({ length: pieces }, (_, i) =>
    bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
}

/** Whether a line of a bundle is an entry. */
export function isEntry(line: string): boolean {
  return line.startsWith('{"entry":');
}

/** The lines with a last line that closes them, as somebody makes it who wants them believed. */
export function resealed(lines: readonly string[]): string[] {
  const body = lines.filter((line) => !line.includes('"line":"end"'));
  const digest = createHash('sha256')
    .update(body.map((line) => `${line}\n`).join(''))
    .digest('hex');
  const entries = body.filter(isEntry).length;
  return [...body, JSON.stringify({ digest, entries, line: 'end' })];
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
