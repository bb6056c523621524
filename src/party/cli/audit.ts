import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { AuditError } from '../audit/errors.ts';
import type { Reason } from '../audit/evidence/findings.ts';
import {
  KEYS_FORMAT,
  type PartyKey,
  partyKey,
  type TrustedKeys,
  trustedKeys,
} from '../audit/evidence/keys.ts';
import { reconcile } from '../audit/evidence/reconcile.ts';
import { reconcileJson, reportJson } from '../audit/evidence/report.ts';
import { type EvidenceReport, type VerifyOptions, verifyBundle } from '../audit/evidence/verify.ts';
import { isComparable, reconcileText, reportText } from './audit-report.ts';
import { CliError, type CommandResult, EXIT_NOT_VERIFIED } from './command.ts';
import { type ConfigSource, readConfig, readIdentity } from './read-config.ts';
import { unreadable } from './unreadable.ts';

/** What a verification found: its report, and the failure to end with unless all is well. */
export interface Verdict {
  readonly result: CommandResult;
  readonly failure: CliError | null;
}

/**
 * Checks one bundle, offline, by nothing but the keys in the trusted files.
 *
 * @param data - The file that the party brought, to be held against its commitment.
 */
export async function auditVerify(
  bundle: string,
  trust: readonly string[],
  data?: string,
): Promise<Verdict> {
  const trusted = await readTrust(trust);
  const options = data === undefined ? {} : { fileDigest: await digestOf(data) };
  const report = await verifyFile(bundle, trusted, options);
  return {
    result: { text: reportText(report), json: reportJson(report) },
    failure: report.ok ? null : notVerified(report.findings, 'the evidence does not hold'),
  };
}

/** Checks two bundles of one task, and that they tell the same story. */
export async function auditReconcile(
  bundles: readonly [string, string],
  trust: readonly string[],
): Promise<Verdict> {
  const trusted = await readTrust(trust);
  const [first, second] = [
    await verifyFile(bundles[0], trusted),
    await verifyFile(bundles[1], trusted),
  ];
  const report = reconcile(first, second);
  const reports = [first, second];
  const findings = [...first.findings, ...second.findings, ...report.findings];
  const what = isComparable(report)
    ? 'the parties do not tell the same story, or one’s evidence does not hold'
    : 'these two cannot be compared';
  return {
    result: { text: reconcileText(report, reports, bundles), json: reconcileJson(report, reports) },
    failure: report.ok ? null : notVerified(findings, what),
  };
}

/** This organisation's entry for others' files of trusted keys; with the peers it has pinned. */
export async function auditKeys(
  source: ConfigSource,
  { peers = false }: { readonly peers?: boolean },
): Promise<CommandResult> {
  const config = await readConfig(source);
  const own = await readIdentity(config);
  const parties: PartyKey[] = [partyKey(own.name, own.certificatePem)];
  for (const { name, certificate } of peers ? config.peers : []) {
    parties.push(partyKey(name, await readFile(certificate, 'utf8')));
  }
  const json = { format: KEYS_FORMAT, parties };
  return { text: `${JSON.stringify(json, null, 2)}\n`, json };
}

async function verifyFile(
  path: string,
  trusted: TrustedKeys,
  options: VerifyOptions = {},
): Promise<EvidenceReport> {
  try {
    const source = createReadStream(path, { highWaterMark: READ_BYTES });
    return await verifyBundle(source, trusted, options);
  } catch (cause) {
    throw unreadable(path, 'name a file of "entente audit export"', cause);
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES })) {
      hash.update(piece as Uint8Array);
    }
  } catch (cause) {
    throw unreadable(path, 'name the file that the party brought', cause);
  }
  return hash.digest('hex');
}

const READ_BYTES = 1 << 18;

async function readTrust(paths: readonly string[]): Promise<TrustedKeys> {
  const hint = 'name a file with the keys that you trust: "entente audit keys" makes one';
  const texts = await Promise.all(
    paths.map((path) =>
      readFile(path, 'utf8').catch((cause: unknown) => {
        throw unreadable(path, hint, cause);
      }),
    ),
  );
  // One by one first, so that the message names the file.
  for (const [i, path] of paths.entries()) keysIn([texts[i]!], path);
  return keysIn(texts, paths.join(', '));
}

function keysIn(texts: readonly string[], where: string): TrustedKeys {
  try {
    return trustedKeys(texts);
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    const hint = 'ask each organisation for the output of "entente audit keys"';
    throw new CliError(`${where}: ${cause.message}`, hint, { cause });
  }
}

/** What to do next where one of these is found; the first that fits. */
const NEXT: readonly (readonly [Reason, string])[] = [
  ['not_comparable', 'name the evidence of two parties about one task'],
  [
    'malformed_bundle',
    'is it a file of "entente audit export", as it left the node? ask the organisation for it again',
  ],
  ['truncated_bundle', 'the file did not arrive whole: ask the organisation for it again'],
  [
    'untrusted_party',
    'give the key of every party with --trust: each prints its own with "entente audit keys"',
  ],
  [
    'file_unopened',
    'the party’s own evidence opens it: "entente audit export --task ID --openings"',
  ],
  [
    'wrong_key',
    'compare fingerprints with the organisation: the trusted key is not that of this evidence',
  ],
];

function notVerified(findings: EvidenceReport['findings'], what: string): CliError {
  const reasons = [...new Set(findings.map(({ reason }) => reason))];
  const [, hint] = NEXT.find(([reason]) => reasons.includes(reason)) ?? [
    null,
    'the report above says where; ask the organisation whose evidence it is',
  ];
  return new CliError(`${what}: ${reasons.join(', ')}`, hint, {
    exit: EXIT_NOT_VERIFIED,
    code: 'NOT_VERIFIED',
  });
}
