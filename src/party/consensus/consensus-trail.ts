/** What consensus has recorded in the audit log, and when. */
import type { EntryBody } from '../audit/entry.ts';
import type { Trail } from '../audit/trail.ts';
import type { DataTerms } from '../datasets/datasets.ts';
import { canonicalDigest } from './canonical-json.ts';
import { certificateDigest, type StartCertificate } from './certificate.ts';
import type { ExchangeTime } from './checkpoint-exchange.ts';
import type { Contract } from './contract.ts';
import type { ConsensusState, TaskEnd } from './records.ts';
import type { Signed } from './signed.ts';
import type { Vote } from './vote.ts';

/** What consensus needs of the node's audit log. */
export interface ConsensusAudit {
  readonly trail: Trail;
  /** Digest of the code that this node runs. */
  readonly implementation: string;
  /** Root of the log, 32 bytes hex. */
  head(): string;
  /** Has another party confirm the log; see `showLog`. */
  show(taskId: string, peer: string, at: ExchangeTime): Promise<void>;
}

/** A contract's entry: who agrees to what, on which data. */
export function contractBody(contract: Contract): EntryBody<'contract'> {
  const { initiator, kind, algorithm, leakage, receivers, createdAt, expiresAt } = contract;
  return {
    initiator,
    kind,
    algorithm: algorithm.name,
    implementation: algorithm.implementation,
    leakage: canonicalDigest(leakage),
    parties: contract.parties.map(({ name, fingerprint, role, dataset }) => ({
      name,
      fingerprint,
      role,
      dataset: dataset && { commitment: dataset.commitment, ...datasetCounts(dataset) },
    })),
    receivers,
    createdAt,
    expiresAt,
  };
}

/** How much of a dataset its terms are about. */
export function datasetCounts(terms: DataTerms): {
  readonly rows: number;
  readonly columns: number;
} {
  const { rowCount, keyColumns, labelColumn, features, payload } = terms;
  const columns =
    (keyColumns?.length ?? 0) + Number(labelColumn !== null) + features.length + payload.length;
  return { rows: rowCount, columns };
}

export async function recordContract(
  { trail }: ConsensusAudit,
  taskId: string,
  contract: Contract,
): Promise<void> {
  await trail.record('contract', { task: taskId }, contractBody(contract));
}

/** A vote of this node before it is sent, or a peer's that was checked. */
export async function recordVote({ trail }: ConsensusAudit, vote: Signed<Vote>): Promise<void> {
  await trail.record('vote', { task: vote.body.taskId }, vote);
}

/** The certificate, before the task counts as agreed. */
export async function recordCertificate(
  { trail }: ConsensusAudit,
  taskId: string,
  certificate: StartCertificate,
): Promise<void> {
  await trail.record(
    'certificate',
    { task: taskId },
    {
      certificate: certificateDigest(certificate),
      votes: certificate.votes.map(({ body, signature }) => ({ signer: body.signer, signature })),
    },
  );
}

/** An end without a result, at whichever step. A person's is a cancellation, wherever it was. */
export async function recordEnd(
  { trail }: ConsensusAudit,
  taskId: string,
  state: ConsensusState,
  { party, from, code }: TaskEnd,
): Promise<void> {
  if (code === 'cancelled') {
    await trail.record('cancellation', { task: taskId }, { party, actor: null });
    return;
  }
  const step = state === 'committed' ? 'run' : state === 'voted' ? 'commit' : 'prepare';
  await trail.record('refusal', { task: taskId }, { party, from, step, code });
}
