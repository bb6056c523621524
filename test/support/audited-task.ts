/** A training of two parties as their logs tell it, and what a party may do otherwise. */
import { createHash } from 'node:crypto';
import type { EntryBody } from '../../src/party/audit/entry.ts';
import type { OpeningLine } from '../../src/party/audit/evidence/bundle.ts';
import {
  encodeStatement,
  PHASE_COUNTER_DOMAIN,
  PHASE_DOMAIN,
  type PhaseStatement,
} from '../../src/party/audit/phase-statement.ts';
import { canonicalDigest } from '../../src/party/consensus/canonical-json.ts';
import {
  certificateDigest,
  composeCertificate,
  type StartCertificate,
} from '../../src/party/consensus/certificate.ts';
import type { Contract, LinearTraining } from '../../src/party/consensus/contract.ts';
import { taskIdOf } from '../../src/party/consensus/contract-check.ts';
import { datasetCommitment } from '../../src/party/consensus/dataset-commitment.ts';
import { RECEIPT_DOMAIN } from '../../src/party/consensus/receipt-check.ts';
import {
  type DirectionReceipt,
  type ResultReceipt,
  resultCommitment,
} from '../../src/party/consensus/receipt-statement.ts';
import { type Signed, signBody } from '../../src/party/consensus/signed.ts';
import { ruleDigest, signVote, type Vote } from '../../src/party/consensus/vote.ts';
import { sampleContract } from './contracts.ts';
import { type EvidenceParty, evidenceParty, evidenceSource, exchange, hexOf } from './evidence.ts';
import { seededRng } from './seeded-rng.ts';

/** What goes otherwise than it should. Each party signs what it says, so no signature is missing. */
export interface Deviations {
  /** Of the contract, before anybody votes. */
  readonly contract?: Partial<LinearTraining>;
  /** Of a vote, before it is signed. */
  readonly vote?: (vote: Vote) => Partial<Vote>;
  /** Who signs the vote of a party. */
  readonly voter?: (name: string) => EvidenceParty | undefined;
  /** Time from the votes to the certificate. */
  readonly delayMs?: number;
  /** More openings, in both logs. */
  readonly disclosures?: readonly EntryBody<'disclosure'>[];
  /** Openings that each party records, by name. */
  readonly disclosuresOf?: Readonly<Record<string, readonly EntryBody<'disclosure'>[]>>;
  /** Of the statements that a party logs. */
  readonly statement?: (at: string, statement: PhaseStatement) => PhaseStatement | null;
  /** Of a party's result. */
  readonly result?: (receipt: ResultReceipt) => Partial<ResultReceipt>;
  /** Who signs the result of a party. */
  readonly resultBy?: (name: string) => EvidenceParty | undefined;
  /** Whose result nobody logs. */
  readonly noResultOf?: string;
  readonly sessionOpened?: (at: string) => Partial<EntryBody<'session_opened'>>;
  readonly sessionClosed?: (
    at: string,
    body: EntryBody<'session_closed'>,
  ) => Partial<EntryBody<'session_closed'>>;
  /** Of a result as the named party holds it, signed like the other one. */
  readonly resultAt?: (at: string, receipt: ResultReceipt) => Partial<ResultReceipt> | null;
  readonly dataAccess?: Partial<EntryBody<'data_access'>>;
  /** Of the code that made a party's own result. */
  readonly implementation?: string | null;
  /** Parties that do not show each other their logs. */
  readonly noExchange?: boolean;
  /** Runs before the parties show each other their logs for the last time. */
  readonly beforeEnd?: () => void;
}

export interface AuditedTask {
  readonly a: EvidenceParty;
  readonly b: EvidenceParty;
  readonly contract: Contract;
  readonly certificate: StartCertificate;
  readonly taskId: string;
  readonly openings: ReadonlyMap<string, readonly OpeningLine[]>;
  /** What each party brings, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Two new parties, a and b. */
export function newParties(): readonly [EvidenceParty, EvidenceParty] {
  return [evidenceParty('orgA', 1), evidenceParty('orgB', 2)];
}

/** A task as both parties record it. */
export async function auditedTask(
  [a, b]: readonly [EvidenceParty, EvidenceParty] = newParties(),
  deviations: Deviations = {},
): Promise<AuditedTask> {
  const both = [a, b] as const;
  const rng = seededRng(a.log.size + 11);
  const nonce = hexOf(rng(32));
  const files = new Map(both.map(({ name }) => [name, Buffer.from(`id,of ${name}\n`)]));
  const fileOpenings = new Map(
    [...files].map(([name, file]) => {
      const digest = createHash('sha256').update(file).digest('hex');
      const salt = hexOf(seededRng(`file of ${name}`)(32));
      return [name, { line: 'opening', of: 'dataset', salt, digest } as const];
    }),
  );
  const contract = sampleContract([a.signer, b.signer], {
    nonce,
    parties: sampleContract([a.signer, b.signer]).parties.map((party) => {
      const { digest, salt } = fileOpenings.get(party.name)!;
      const [file, random] = [digest, salt].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
      const dataset = party.dataset!;
      return { ...party, dataset: { ...dataset, commitment: datasetCommitment(file!, random!) } };
    }),
    createdAt: new Date(a.clock.now).toISOString(),
    expiresAt: new Date(a.clock.now + 3_600_000).toISOString(),
    ...deviations.contract,
  });
  const task = taskIdOf(contract);
  const rule = { allow: 'training', salted: nonce };
  const ruleSalt = rng(32);
  const votes = both.map((party): Signed<Vote> => {
    const statement = {
      taskId: task,
      rule: ruleDigest(rule, ruleSalt),
      auditHead: hexOf(party.log.root()),
    };
    const { body } = signVote(party.signer, contract, statement, party.clock.now, rng);
    const signer = (deviations.voter?.(party.name) ?? party).signer;
    return signBody(signer, 'entente/vote/v1', { ...body, ...deviations.vote?.(body) });
  });
  const certificate = composeCertificate(contract, votes);
  for (const party of both) {
    const { name, trail, clock } = party;
    await trail.record('contract', { task }, contractBody(contract));
    const own = votes.find(({ body }) => body.signer === name)!;
    const other = votes.find(({ body }) => body.signer !== name)!;
    await trail.record('vote', { task }, own);
    await trail.record('vote', { task }, other);
    clock.now += deviations.delayMs ?? 0;
    await trail.record(
      'certificate',
      { task },
      {
        certificate: certificateDigest(certificate),
        votes: certificate.votes.map(({ body, signature }) => ({ signer: body.signer, signature })),
      },
    );
  }
  if (!deviations.noExchange) await exchange(a, b, task, 'consensus');
  const openings = await runAttempt(both, contract, certificate, deviations, rng);
  deviations.beforeEnd?.();
  if (!deviations.noExchange) await exchange(a, b, task, 'end');
  const opening = { line: 'opening', of: 'rule', rule, salt: hexOf(ruleSalt) } as const;
  return {
    a,
    b,
    contract,
    certificate,
    taskId: task,
    openings: new Map(
      [...openings].map(([name, lines]) => [name, [...lines, opening, fileOpenings.get(name)!]]),
    ),
    files,
  };
}

async function runAttempt(
  both: readonly [EvidenceParty, EvidenceParty],
  contract: LinearTraining,
  certificate: StartCertificate,
  deviations: Deviations,
  rng: (n: number) => Uint8Array,
): Promise<Map<string, OpeningLine[]>> {
  const [a, b] = both;
  const task = taskIdOf(contract);
  const at = { task, attempt: 1 };
  const session = hexOf(rng(32));
  const transcript = hexOf(rng(32));
  for (const party of both) {
    const other = party === a ? b : a;
    const { commitment, rowCount } = contract.parties.find(({ name }) => name === party.name)!
      .dataset!;
    await party.trail.record('data_access', at, {
      purpose: 'compute',
      peer: contract.initiator,
      commitment,
      rows: rowCount,
      columns: 3,
      ...deviations.dataAccess,
    });
    await party.trail.record('session_opened', at, {
      peer: other.name,
      fingerprint: other.signer.fingerprint,
      session,
      transcript,
      certificate: certificateDigest(certificate),
      checkpoint: '00'.repeat(32),
      implementation: contract.algorithm.implementation,
      ...deviations.sessionOpened?.(party.name),
    });
  }

  const marked = new Map<EvidenceParty, number>();
  const receipt = async (
    from: EvidenceParty,
    to: EvidenceParty,
    place: Partial<PhaseStatement>,
  ) => {
    const frames = place.frames!;
    const number = marked.get(from) ?? 0;
    marked.set(from, number + 1);
    const statement: PhaseStatement = {
      taskId: task,
      attempt: 1,
      session,
      from: from.name,
      to: to.name,
      number,
      phase: 'training',
      step: 0,
      last: false,
      bytes: frames * 100,
      hash: canonicalDigest([from.name, frames]),
      ...place,
      frames,
    };
    for (const party of both) {
      const said = deviations.statement ? deviations.statement(party.name, statement) : statement;
      if (!said) continue;
      const bytes = encodeStatement(said);
      await party.trail.record('phase_receipt', at, {
        statement: said,
        signature: hexOf(from.signer.sign(PHASE_DOMAIN, bytes)),
        countersignature: hexOf(to.signer.sign(PHASE_COUNTER_DOMAIN, bytes)),
      });
    }
  };
  const disclose = async (party: EvidenceParty, body: EntryBody<'disclosure'>) =>
    party.trail.record('disclosure', at, body);
  const value = hexOf(rng(32));
  const size = { class: 'intersection_size', to: ['orgA', 'orgB'], elements: 1, value };
  const scores = { class: 'validation_scores', to: ['orgA'], elements: 200, value };

  for (const party of both) await disclose(party, size);
  await receipt(a, b, { phase: 'aligning', frames: 4 });
  await receipt(b, a, { phase: 'aligning', frames: 5 });
  for (let step = 1; step <= 3; step++) {
    await receipt(a, b, { step, frames: 4 + 10 * step });
    await receipt(b, a, { step, frames: 5 + 10 * step });
  }
  await disclose(a, scores);
  await disclose(b, { ...scores, value: hexOf(rng(32)) });
  for (const body of deviations.disclosures ?? []) {
    for (const party of both) await disclose(party, body);
  }
  for (const party of both) {
    for (const body of deviations.disclosuresOf?.[party.name] ?? []) await disclose(party, body);
  }
  await receipt(a, b, { phase: 'closing', frames: 40, last: true });
  await receipt(b, a, { phase: 'closing', frames: 41, last: true });

  const direction = (from: string, frames: number): DirectionReceipt => ({
    frames,
    bytes: 100 * frames,
    hash: canonicalDigest([from, frames, 'end']),
  });
  const ends = { orgA: direction('orgA', 44), orgB: direction('orgB', 45) };
  for (const party of both) {
    const other = party === a ? b : a;
    const closed = {
      peer: other.name,
      session,
      code: null,
      sent: ends[party.name as 'orgA'],
      received: ends[other.name as 'orgA'],
    };
    const changes = deviations.sessionClosed?.(party.name, closed);
    await party.trail.record('session_closed', at, { ...closed, ...changes });
  }
  return writeResults(both, task, ends, deviations, rng);
}

async function writeResults(
  both: readonly [EvidenceParty, EvidenceParty],
  task: string,
  ends: Readonly<Record<string, DirectionReceipt>>,
  deviations: Deviations,
  rng: (n: number) => Uint8Array,
): Promise<Map<string, OpeningLine[]>> {
  const openings = new Map<string, OpeningLine[]>();
  const receipts = both.map((party) => {
    const other = both.find((each) => each !== party)!;
    const opening = { salt: hexOf(rng(32)), digest: hexOf(rng(32)) };
    const line = { line: 'opening', of: 'result', attempt: 1, field: 'model', ...opening } as const;
    openings.set(party.name, [line]);
    const body: ResultReceipt = {
      protocolVersion: 2,
      signer: party.name,
      fingerprint: party.signer.fingerprint,
      signedAt: new Date(party.clock.now).toISOString(),
      taskId: task,
      attempt: 1,
      outcome: 'completed',
      model: resultCommitment('model', opening),
      metrics: null,
      transport: [{ peer: other.name, sent: ends[party.name]!, received: ends[other.name]! }],
    };
    const { signer } = deviations.resultBy?.(party.name) ?? party;
    return signBody(signer, RECEIPT_DOMAIN, { ...body, ...deviations.result?.(body) });
  });
  const at = { task, attempt: 1 };
  for (const party of both) {
    for (const receipt of receipts) {
      if (receipt.body.signer === deviations.noResultOf) continue;
      const isOwn = receipt.body.signer === party.name;
      const { implementation: made = 'ab'.repeat(32) } = deviations;
      const implementation = isOwn ? made : null;
      const changes = deviations.resultAt?.(party.name, receipt.body);
      const { signer } = both.find(({ name }) => name === receipt.body.signer)!;
      const held = changes
        ? signBody(signer, RECEIPT_DOMAIN, { ...receipt.body, ...changes })
        : receipt;
      await party.trail.record('result', at, {
        receipt: { ...held, body: { ...held.body, transport: [...held.body.transport] } },
        implementation,
      });
    }
  }
  return openings;
}

/** What an entry says of a contract. */
export function contractBody(contract: Contract): EntryBody<'contract'> {
  const { initiator, kind, algorithm, leakage, parties, receivers, createdAt, expiresAt } =
    contract;
  return {
    initiator,
    kind,
    algorithm: algorithm.name,
    implementation: algorithm.implementation,
    leakage: canonicalDigest(leakage),
    parties: parties.map(({ name, fingerprint, role, dataset }) => ({
      name,
      fingerprint,
      role,
      dataset: dataset && { commitment: dataset.commitment, rows: dataset.rowCount, columns: 3 },
    })),
    receivers: [...receivers],
    createdAt,
    expiresAt,
  };
}

/** Where the evidence of one of the two parties comes from. */
export function sourceOf(task: AuditedTask, party: EvidenceParty) {
  const others = [task.a, task.b].filter((each) => each !== party);
  return evidenceSource(party, others, task, task.openings.get(party.name));
}
