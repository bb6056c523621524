import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { AuditError } from '../audit/errors.ts';
import {
  KEYS_FORMAT,
  type PartyKey,
  partyKey,
  type TrustedKeys,
  trustedKeys,
} from '../audit/evidence/keys.ts';
import { reconcile } from '../audit/evidence/reconcile.ts';
import { reconcileJson, reportJson } from '../audit/evidence/report.ts';
import { type EvidenceReport, verifyBundle } from '../audit/evidence/verify.ts';
import { reconcileText, reportText } from './audit-report.ts';
import { CliError, type CommandResult, EXIT_NOT_VERIFIED } from './command.ts';
import { type ConfigSource, readConfig, readIdentity } from './read-config.ts';

/** What a verification found: its report, and the failure to end with unless all is well. */
export interface Verdict {
  readonly result: CommandResult;
  readonly failure: CliError | null;
}

/** Checks one bundle, offline, by nothing but the keys in the trusted files. */
export async function auditVerify(bundle: string, trust: readonly string[]): Promise<Verdict> {
  const report = await verifyFile(bundle, await readTrust(trust));
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
  return {
    result: { text: reconcileText(report, reports), json: reconcileJson(report, reports) },
    failure: report.ok ? null : notVerified(findings, 'the parties do not tell the same story'),
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

async function verifyFile(path: string, trusted: TrustedKeys): Promise<EvidenceReport> {
  try {
    if (!(await stat(path)).isFile()) throw new TypeError('not a file');
    return await verifyBundle(createReadStream(path, { highWaterMark: READ_BYTES }), trusted);
  } catch (cause) {
    const hint = 'name a file of "entente audit export"';
    throw new CliError(`${path} cannot be read`, hint, { cause });
  }
}

const READ_BYTES = 1 << 18;

async function readTrust(paths: readonly string[]): Promise<TrustedKeys> {
  const texts = await Promise.all(
    paths.map(async (path) =>
      readFile(path, 'utf8').catch((cause: unknown) => {
        const hint = 'name a file with the keys that you trust: "entente audit keys" makes one';
        throw new CliError(`${path} cannot be read`, hint, { cause });
      }),
    ),
  );
  try {
    return trustedKeys(texts);
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    const hint = 'ask each organisation for the output of "entente audit keys"';
    throw new CliError(cause.message, hint, { cause });
  }
}

function notVerified(findings: EvidenceReport['findings'], what: string): CliError {
  const reasons = [...new Set(findings.map(({ reason }) => reason))];
  const hint = 'the report above says where; ask the organisation whose evidence it is';
  return new CliError(`${what}: ${reasons.join(', ')}`, hint, {
    exit: EXIT_NOT_VERIFIED,
    code: 'NOT_VERIFIED',
  });
}
