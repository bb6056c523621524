/**
 * Writes what a node can show: a task's evidence, or its whole log. The export is itself an entry, the
 * last one of the bundle, so that what follows it in the log does not count as dropped and what comes
 * before it does.
 */
import { createHash } from 'node:crypto';
import type { StartCertificate } from '../../consensus/certificate.ts';
import type { Contract } from '../../consensus/contract.ts';
import { parseCheckpoint } from '../checkpoint.ts';
import { decodeEntry, type Entry, type EntryBody } from '../entry.ts';
import { AuditError } from '../errors.ts';
import type { LogKeyCertificate } from '../log-key.ts';
import { parseNote } from '../signed-note.ts';
import type { Trail } from '../trail.ts';
import {
  BUNDLE_FORMAT,
  encodeProof,
  entryLine,
  formatLine,
  type HeaderLine,
  type NewLine,
  type OpeningLine,
} from './bundle.ts';
import { awaitedParties } from './closing.ts';
import type { PartyKey } from './keys.ts';

/** A checkpoint of the log. */
export interface SignedState {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** What an export reads of the log: `AuditLog`. */
export interface EvidenceLog {
  /** Entries. */
  readonly size: number;
  entry(index: number): Promise<Uint8Array>;
  entries(start: number, end: number): AsyncIterable<Uint8Array>;
  taskIndices(task: string): Promise<readonly number[]>;
  /** Signs the present state. */
  checkpoint(): Promise<SignedState>;
  /** Up to `limit` checkpoints from the size `from` on, smallest first. */
  checkpoints(from: number, limit: number): Promise<readonly SignedState[]>;
  /** The root of the first `size` entries. */
  rootOf(size: number): Promise<Uint8Array>;
  inclusionProof(index: number, size: number): Promise<readonly Uint8Array[]>;
  consistencyProof(first: number, second: number): Promise<readonly Uint8Array[]>;
}

/** Where a node's evidence comes from. */
export interface EvidenceSource {
  readonly party: string;
  readonly log: EvidenceLog;
  readonly logKey: LogKeyCertificate;
  readonly trail: Trail;
  /** This node's identity and its peers', for people. */
  identities(): readonly Pick<PartyKey, 'name' | 'publicKey'>[];
  /** Log keys of witnesses, as far as they are known. */
  logKeys(): Promise<readonly LogKeyCertificate[]>;
  /** The last checkpoint of this log that each witness cosigned. */
  cosigned(): Promise<readonly { readonly witness: string; readonly note: string }[]>;
  /** The contract of a task that this node voted for or was asked to. */
  contract(task: string): Promise<Contract | null>;
  certificate(task: string): Promise<StartCertificate | null>;
  /** Whether every party has the task's result, so that each signs how it ended. */
  isDecided(task: string): Promise<boolean>;
  /** What opens this node's own commitments in a task. */
  openings(task: string): AsyncIterable<OpeningLine>;
}

export interface ExportOptions {
  /** Who asks. */
  readonly actor: EntryBody<'export'>['actor'];
  /** Adds what opens commitments. Default: no. */
  readonly openings?: boolean;
  /** Exports what there is of a task that is still being closed. Default: no. */
  readonly unclosed?: boolean;
}

/**
 * Earlier states of the log that a task's bundle proves, beside those that were confirmed: another party
 * may have confirmed one without this one having heard so. Own choice.
 */
const MAX_STATES = 256;

/** How often an export begins anew because the task went on meanwhile. Own choice. */
const MAX_TRIES = 8;

/**
 * The lines of a task's bundle, with their newlines. Throws before the first of them: `unknown_task` when
 * the log has no entry of it, `task_closing` when other parties' last words are still to come, `task_busy`
 * when entries come too fast.
 */
export async function exportTask(
  source: EvidenceSource,
  task: string,
  options: ExportOptions,
): Promise<AsyncGenerator<string, void>> {
  const { log } = source;
  if ((await log.taskIndices(task)).length === 0) {
    throw new AuditError('unknown_task', 'the audit log has no such task');
  }
  const indices = await recordTaskExport(source, task, options);
  return taskLines(source, task, indices, options);
}

async function* taskLines(
  source: EvidenceSource,
  task: string,
  indices: readonly number[],
  { openings = false }: ExportOptions,
): AsyncGenerator<string, void> {
  const { log } = source;
  const contract = await source.contract(task);
  const certificate = await source.certificate(task);
  // In this order, so that the checkpoint is of no smaller log than any that was confirmed.
  const names = new Set(contract?.parties.map(({ name }) => name) ?? [source.party]);
  const cosigned = await cosignedFor(source, names);
  const { size, note } = await log.checkpoint();

  const closing = new Closing();
  yield closing.line(headerOf(source, 'task', task));
  const isNeeded = (name: string): boolean => names.has(name);
  for await (const line of keyLines(source, isNeeded)) yield closing.line(line);
  if (contract) yield closing.line({ line: 'contract', contract });
  if (certificate) {
    yield closing.line({ line: 'certificate', votes: [...certificate.votes] });
  }
  yield closing.line({ line: 'checkpoint', note });
  const states = new Map<number, string>();
  const addState = (signed: string): void => {
    const { size: at, root } = parseCheckpoint(parseNote(signed).text);
    if (at < size) states.set(at, Buffer.from(root).toString('hex'));
  };
  for (const state of await log.checkpoints(indices[0]!, MAX_STATES)) addState(state.note);
  const vote = certificate?.votes.find(({ body }) => body.signer === source.party)?.body;
  const voted = vote && (await stateBefore(log, indices, vote.auditHead));
  if (voted !== undefined) states.set(voted, vote!.auditHead);
  for (const { witness, note: state } of cosigned) {
    addState(state);
    yield closing.line({ line: 'cosigned', witness, note: state });
  }
  for (const index of indices) {
    const entry = decodeEntry(await log.entry(index));
    if (entry.kind === 'checkpoint_exchange' && entry.body.own) addState(entry.body.own.note);
  }
  for (const [at, root] of [...states].sort(([a], [b]) => a - b)) {
    const proof = encodeProof(await log.consistencyProof(at, size));
    yield closing.line({ line: 'consistency', size: at, root, proof });
  }
  for (const index of indices) {
    const proof = await log.inclusionProof(index, size);
    yield closing.entry(index, await log.entry(index), proof);
  }
  if (openings) {
    for await (const line of source.openings(task)) yield closing.line(line);
  }
  yield closing.end();
}

/** The lines of the whole log's bundle, with their newlines: every entry up to a checkpoint made now. */
export async function* exportLog(
  source: EvidenceSource,
  { actor }: Pick<ExportOptions, 'actor'>,
): AsyncGenerator<string, void> {
  const { log } = source;
  const entries = log.size + 1;
  const body = { scope: 'all', actor, entries, openings: false, awaited: [] } as const;
  await source.trail.record('export', {}, body);
  const cosigned = await source.cosigned();
  const { size, note } = await log.checkpoint();

  const closing = new Closing();
  yield closing.line(headerOf(source, 'all', null));
  for await (const line of keyLines(source, () => true)) yield closing.line(line);
  yield closing.line({ line: 'checkpoint', note });
  for (const { witness, note: state } of cosigned) {
    yield closing.line({ line: 'cosigned', witness, note: state });
  }
  let index = 0;
  for await (const bytes of log.entries(0, size)) yield closing.entry(index++, bytes, null);
  yield closing.end();
}

/**
 * Records the export of a task and gives the indices of its entries up to that. Entries that come in
 * between make the recorded count wrong: then it is recorded once more.
 */
async function recordTaskExport(
  source: EvidenceSource,
  task: string,
  { actor, openings = false, unclosed = false }: ExportOptions,
): Promise<readonly number[]> {
  const { log, trail } = source;
  for (let i = 0; i < MAX_TRIES; i++) {
    const before = await log.taskIndices(task);
    const awaited = await awaitedOf(source, task, before);
    if (awaited.length > 0 && !unclosed) throw stillClosing(awaited);
    const entries = before.length + 1;
    const body = { scope: 'task', actor, entries, openings, awaited: [...awaited] } as const;
    const index = await trail.record('export', { task }, body);
    if (decodeEntry(await log.entry(index)).seq === entries - 1) {
      return (await log.taskIndices(task)).filter((each) => each <= index);
    }
  }
  throw new AuditError('task_busy', 'the task writes too much at this moment: export it later');
}

async function awaitedOf(
  source: EvidenceSource,
  task: string,
  indices: readonly number[],
): Promise<readonly string[]> {
  const contract = (await source.isDecided(task)) ? await source.contract(task) : null;
  if (!contract) return [];
  return awaitedParties(source.party, contract, entriesAt(source.log, indices));
}

async function* entriesAt(log: EvidenceLog, indices: readonly number[]): AsyncGenerator<Entry> {
  for (const index of indices) yield decodeEntry(await log.entry(index));
}

function stillClosing(parties: readonly string[]): AuditError {
  const names = parties.join(', ');
  const message = `the task is still being closed by ${names}: ask again in a moment, or for the evidence as it is if that party stays away`;
  return new AuditError('task_closing', message);
}

/** Entries of other tasks that may come between a vote and the root of the log in it. Own choice. */
const MAX_BETWEEN = 4096;

/** The size at which the log had a root that a vote names; the vote's own entry comes soon after. */
async function stateBefore(
  log: EvidenceLog,
  indices: readonly number[],
  root: string,
): Promise<number | undefined> {
  for (const index of indices) {
    const entry = decodeEntry(await log.entry(index));
    if (entry.kind !== 'vote' || entry.body.body.auditHead !== root) continue;
    for (let size = index; size >= Math.max(0, index - MAX_BETWEEN); size--) {
      if (Buffer.from(await log.rootOf(size)).toString('hex') === root) return size;
    }
  }
  return undefined;
}

function headerOf(
  { party, logKey }: EvidenceSource,
  scope: HeaderLine['scope'],
  task: string | null,
): NewLine {
  return { line: 'header', format: BUNDLE_FORMAT, party, scope, task, logKey };
}

/**
 * What a task's parties cosigned, and witnesses that have no log. Others' cosignatures would tell whoever
 * reads the evidence with whom else this party works, and when.
 */
async function cosignedFor(
  source: EvidenceSource,
  parties: ReadonlySet<string>,
): Promise<Awaited<ReturnType<EvidenceSource['cosigned']>>> {
  const cosigned = await source.cosigned();
  const peers = new Set((await source.logKeys()).map(({ name }) => name));
  return cosigned.filter(({ witness }) => parties.has(witness) || !peers.has(witness));
}

/** Identities, then log keys, of the parties that `isNeeded` picks. */
async function* keyLines(
  source: EvidenceSource,
  isNeeded: (name: string) => boolean,
): AsyncGenerator<NewLine> {
  for (const { name, publicKey } of source.identities()) {
    if (isNeeded(name)) yield { line: 'identity', name, publicKey };
  }
  for (const certificate of await source.logKeys()) {
    const { name } = certificate;
    if (name !== source.party && isNeeded(name)) yield { line: 'log_key', certificate };
  }
}

/** Counts and hashes lines on their way, for the last one. */
class Closing {
  readonly #digest = createHash('sha256');
  #entries = 0;

  line(line: NewLine): string {
    return this.#closed(formatLine(line));
  }

  entry(index: number, bytes: Uint8Array, proof: readonly Uint8Array[] | null): string {
    this.#entries += 1;
    return this.#closed(entryLine(index, bytes, proof));
  }

  end(): string {
    const digest = this.#digest.digest('hex');
    return formatLine({ line: 'end', entries: this.#entries, digest });
  }

  #closed(text: string): string {
    this.#digest.update(text);
    return text;
  }
}
