/**
 * Verification of a bundle: offline, in one pass, by nothing but the bundle and the keys that its reader
 * trusts. It shows that the log holds these entries in this order and that counterparties confirmed it
 * so far, who agreed to what and when, that what ran was that, what was opened to whom, and how it ended.
 * What the log says after the last state that a counterparty confirmed can only be held against that
 * counterparty's own bundle: `reconcile`.
 */
import { createHash } from 'node:crypto';
import { certificateDigest } from '../../consensus/certificate.ts';
import { AuditError } from '../errors.ts';
import { agreementCheck } from './agreement-check.ts';
import {
  type BundleLine,
  type EntryLine,
  type HeaderLine,
  lineOrder,
  MAX_LINE_BYTES,
  type OpeningLine,
  parseLine,
} from './bundle.ts';
import { exchangeCheck } from './exchange-check.ts';
import { type Finding, Findings } from './findings.ts';
import { type ConfirmedState, type Ground, groundOf, type HeadLine } from './ground.ts';
import type { TrustedKeys } from './keys.ts';
import { type ByteSource, readLines } from './lines.ts';
import { type EntryCheck, taskLogCheck, wholeLogCheck } from './log-check.ts';
import { resultCheck } from './result-check.ts';
import { runCheck } from './run-check.ts';
import { remark, type TaskStory } from './story.ts';

/** Most lines before the entries: states, keys and cosignatures of one log. Own choice. */
const MAX_HEAD_LINES = 4096;

/** Lines that cannot be read, after which nothing further is: the file is no evidence. Own choice. */
const MAX_MALFORMED_LINES = 1000;

/** Most entries of one task: three days of receipts, one a second each way with 15 peers. Own choice. */
const MAX_TASK_ENTRIES = 1 << 23;

/** What verification found. */
export interface EvidenceReport {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Findings beyond those that are listed. */
  readonly unlisted: number;
  /** Null when the file does not even say whose it is. */
  readonly header: HeaderLine | null;
  readonly entries: number;
  /** Entries of the log at the bundle's checkpoint; null when nothing vouches for it. */
  readonly logSize: number | null;
  /** States of the log that trusted witnesses confirmed, smallest first. */
  readonly confirmed: readonly ConfirmedState[];
  /**
   * Entries of the bundle that were written after the last state that every other party of the task
   * confirmed, or, of a whole log and of a task that was not agreed, anybody.
   */
  readonly unconfirmedEntries: number;
  readonly openings: number;
  /** The party's file, where an opening shows it. */
  readonly file: OpenedFile | null;
  /** When the party recorded this export, by its own clock; null when the bundle does not say. */
  readonly exportedAt: string | null;
  /** Parties by which the task was still being closed, by the exporting party's own account. */
  readonly awaited: readonly string[];
  /** Of a task's bundle. */
  readonly story: TaskStory | null;
}

/** The file to which the party committed in the contract. */
export interface OpenedFile {
  /** SHA-256, hex. */
  readonly digest: string;
  /** Whether the reader's file is this one; null without one. */
  readonly same: boolean | null;
}

export interface VerifyOptions {
  /** SHA-256, hex, of the file that should be the one on which the party agreed. */
  readonly fileDigest?: string;
}

/** Checks one bundle. Nothing that it holds makes this throw: all is in the report. */
export async function verifyBundle(
  source: ByteSource,
  trusted: TrustedKeys,
  options: VerifyOptions = {},
): Promise<EvidenceReport> {
  const findings = new Findings();
  const body = bodyReader(trusted, findings, options);
  const inOrder = lineOrder();
  const digest = createHash('sha256');
  let number = 0;
  let malformed = 0;
  let ended: Extract<BundleLine, { line: 'end' }> | null = null;

  /** Null for a line that is none, or out of its place. */
  const read = (bytes: Uint8Array): BundleLine | null => {
    try {
      const line = parseLine(bytes);
      inOrder(line);
      return line;
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      findings.add('malformed_bundle', `line ${number}`, error.message);
      malformed += 1;
      return null;
    }
  };
  const take = (bytes: Uint8Array): void => {
    number += 1;
    const line = read(bytes);
    if (line?.line === 'end') {
      ended = line;
      return;
    }
    digest.update(bytes).update('\n');
    if (line) body.take(line);
  };

  try {
    for await (const { lines, rest } of readLines(source, MAX_LINE_BYTES)) {
      for (const line of lines) if (malformed < MAX_MALFORMED_LINES) take(line);
      if (malformed >= MAX_MALFORMED_LINES) return body.report();
      if (rest) findings.add('truncated_bundle', `line ${number + 1}`, 'the line has no end');
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    findings.add('malformed_bundle', `line ${number + 1}`, error.message);
  }
  const end = ended as Extract<BundleLine, { line: 'end' }> | null;
  if (!end)
    findings.add('truncated_bundle', 'the file', 'its last line is not the one that closes it');
  else {
    if (end.entries !== body.entries) {
      const detail = `${body.entries} entries came, and ${end.entries} should`;
      findings.add('altered_bundle', 'the last line', detail);
    }
    if (end.digest !== digest.digest('hex')) {
      findings.add('altered_bundle', 'the last line', 'the digest of the lines before is another');
    }
  }
  return body.report();
}

interface BodyReader {
  readonly entries: number;
  take(line: Exclude<BundleLine, { line: 'end' }>): void;
  report(): EvidenceReport;
}

function bodyReader(
  trusted: TrustedKeys,
  findings: Findings,
  { fileDigest: expected }: VerifyOptions,
): BodyReader {
  const head: HeadLine[] = [];
  let checks: Checks | null = null;
  let entries = 0;
  const begin = (): Checks | null => {
    if (checks) return checks; // called for every entry: the head is read once
    const [header, ...rest] = head;
    if (header?.line !== 'header') return null;
    checks = checksOf(groundOf([header, ...rest], trusted, findings), findings);
    return checks;
  };
  return {
    get entries() {
      return entries;
    },
    take(line) {
      if (line.line === 'entry') {
        entries += 1;
        begin()?.entry(line);
      } else if (line.line === 'opening') begin()?.opening(line);
      else if (head.length < MAX_HEAD_LINES) head.push(line);
      else {
        const detail = `more than ${MAX_HEAD_LINES} lines before the entries`;
        findings.add('malformed_bundle', 'the head', detail);
      }
    },
    report() {
      const { fileDigest = null, ...made } = begin()?.end() ?? {};
      const file = openedFile(fileDigest, expected, findings);
      const header = head[0]?.line === 'header' ? head[0] : null;
      return {
        ok: findings.none,
        findings: findings.listed,
        unlisted: findings.unlisted,
        header,
        entries,
        logSize: null,
        confirmed: [],
        unconfirmedEntries: entries,
        openings: 0,
        file,
        exportedAt: null,
        awaited: [],
        story: null,
        ...made,
      };
    },
  };
}

/** Holds the reader's file, if there is one, against the one that an opening shows. */
function openedFile(
  digest: string | null,
  expected: string | undefined,
  findings: Findings,
): OpenedFile | null {
  if (digest === null) {
    if (expected !== undefined) {
      findings.add('file_unopened', 'the data', 'nothing here tells which file it should be');
    }
    return null;
  }
  const same = expected === undefined ? null : expected === digest;
  if (same === false) {
    findings.add('file_differs', 'the data', `its SHA-256 is ${expected}, not ${digest}`);
  }
  return { digest, same };
}

interface Outcome
  extends Pick<
    EvidenceReport,
    'logSize' | 'confirmed' | 'unconfirmedEntries' | 'openings' | 'exportedAt' | 'awaited' | 'story'
  > {
  readonly fileDigest: string | null;
}

interface Checks {
  entry(line: EntryLine): void;
  opening(line: OpeningLine): void;
  end(): Outcome;
}

function checksOf(ground: Ground, findings: Findings): Checks {
  return ground.header.scope === 'all' ? logChecks(ground, findings) : taskChecks(ground, findings);
}

function logChecks(ground: Ground, findings: Findings): Checks {
  const log = wholeLogCheck(ground, findings);
  let entries = 0;
  let exportedAt: string | null = null;
  return {
    entry(line) {
      entries += 1;
      log.entry(line);
      if (line.entry.kind === 'export') exportedAt = line.entry.time;
    },
    opening() {
      findings.add('malformed_bundle', 'opening', 'only the bundle of a task has openings');
    },
    end() {
      log.end();
      const confirmed = ground.confirmed.toSorted((a, b) => a.size - b.size);
      return {
        logSize: ground.final?.size ?? null,
        confirmed,
        unconfirmedEntries: Math.max(0, entries - (confirmed.at(-1)?.size ?? 0)),
        openings: 0,
        fileDigest: null,
        exportedAt,
        awaited: [],
        story: null,
      };
    },
  };
}

function taskChecks(ground: Ground, findings: Findings): Checks {
  const agreement = agreementCheck(ground, findings);
  const run = runCheck(ground, findings);
  const exchange = exchangeCheck(ground, findings);
  const result = resultCheck(ground, run.sessions, findings);
  const all: readonly EntryCheck[] = [
    taskLogCheck(ground, findings),
    agreement,
    run,
    exchange,
    result,
  ];
  const indices: number[] = [];
  const setbacks = new Set<string>();
  let openings = 0;
  let exportedAt: string | null = null;
  return {
    entry(line) {
      if (indices.length >= MAX_TASK_ENTRIES) {
        const detail = `more than ${MAX_TASK_ENTRIES} entries of one task`;
        findings.add('malformed_bundle', 'the entries', detail);
        return;
      }
      indices.push(line.index);
      for (const check of all) check.entry(line);
      const { entry } = line;
      if (entry.kind === 'refusal') {
        const { party, step, code } = entry.body;
        remark(setbacks, `${party} ${step === 'run' ? 'ended the task' : 'refused'}: ${code}`);
      }
      if (entry.kind === 'error') remark(setbacks, `error ${entry.body.code}`);
      if (entry.kind === 'cancellation') remark(setbacks, `cancelled at ${entry.body.party}`);
      if (entry.kind === 'export') exportedAt = entry.time;
    },
    opening(line) {
      openings += 1;
      result.opening(line);
    },
    end() {
      for (const check of all) check.end();
      const { header, contract, certificate, final } = ground;
      const { confirmed, covered, witnessed, unconfirmed } = exchange;
      return {
        logSize: final?.size ?? null,
        confirmed,
        unconfirmedEntries: indices.filter((index) => index >= covered).length,
        openings,
        fileDigest: result.fileDigest,
        exportedAt,
        awaited: result.awaited,
        story: {
          party: header.party,
          task: header.task ?? '',
          contract,
          votes: certificate?.votes ?? [],
          certificate: certificate && certificateDigest(certificate),
          agreedAt: agreement.agreedAt,
          sessions: run.sessions,
          disclosures: run.disclosures,
          results: result.results,
          confirmed,
          logSize: final?.size ?? 0,
          states: ground.states,
          witnessed,
          unconfirmed,
          setbacks: [...setbacks],
        },
      };
    },
  };
}
