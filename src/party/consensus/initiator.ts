/**
 * How a node brings a contract to all its parties, in two phases:
 *
 *   initiator                          every other party
 *     checks, votes, stores
 *     --- contract, own vote -------->   checks, votes, stores     (prepare)
 *     <-- vote or refusal ------------
 *     <-> audit logs of both, confirmed by the other
 *     verifies, stores certificate
 *     --- contract, all votes ------->   verifies, stores          (commit)
 *     <-- digest or refusal ----------
 *
 * Any refusal, time-out or wrong answer ends the task: the initiator tells everybody why. A party may
 * answer the first phase with `waiting`, see `approval.ts`.
 */
import { awaitOwnApproval, awaitVote } from './approval.ts';
import { canonicalBytes } from './canonical-json.ts';
import { composeCertificate, verifyCertificate } from './certificate.ts';
import { type ConsensusNode, otherParties } from './consensus-node.ts';
import { recordCertificate, recordContract, recordVote } from './consensus-trail.ts';
import { checkParties, checkStillAllowed, consent } from './consent.ts';
import type { Contract } from './contract.ts';
import { checkContract, checkValidity, taskIdOf } from './contract-check.ts';
import { ConsensusError, type Refusal, refusalOf } from './errors.ts';
import { type CertificateRecord, isIn, type TaskEnd } from './records.ts';
import { decodeSigned, encodeSigned, type Signed } from './signed.ts';
import { abortTask, endTask } from './task-end.ts';
import { checkVote, checkVoteAge, type Vote, VoteSchema } from './vote.ts';
import {
  ANSWER_TIMEOUT_MS,
  callPeer,
  DATA_TIMEOUT_MS,
  decodeHash,
  encodeHash,
  METHODS,
  refusalError,
} from './wire.ts';

/** A task that every party agreed to and knows to be agreed. */
export interface AgreedTask extends CertificateRecord {
  readonly taskId: string;
}

/** A contract that was not agreed: the code and reason of `party`, this node or another. */
export class NotAgreedError extends ConsensusError {
  readonly party: string;
  readonly taskId: string;

  constructor(taskId: string, party: string, { code, reason }: Refusal, options?: ErrorOptions) {
    super(code, reason, options);
    this.name = 'NotAgreedError';
    this.party = party;
    this.taskId = taskId;
  }
}

/**
 * Proposes a contract of this node. Resolves when every party has verified and stored the start
 * certificate; otherwise throws `NotAgreedError`, once everybody reachable has been told.
 */
export async function proposeContract(
  node: ConsensusNode,
  contract: Contract,
): Promise<AgreedTask> {
  checkContract(contract);
  if (contract.initiator !== node.signer.name) {
    throw new ConsensusError('not_initiator', 'only the initiator proposes its contract');
  }
  checkParties(node, contract);
  checkValidity(contract, node.now());
  const taskId = taskIdOf(contract);
  const others = otherParties(node, contract);

  const own = await voteFirst(node, contract, taskId);

  const votes = await askAll(node, taskId, others, (peer, signal) =>
    requestVote(node, peer, { contract, taskId, own }, signal),
  );

  await askAll(node, taskId, others, (peer) => node.audit.show(taskId, peer, 'consensus'));

  const certificate = await certify(node, contract, taskId, [own, ...votes]);

  await askAll(node, taskId, others, (peer) => sendCertificate(node, peer, taskId, certificate));
  await checkStillCommitted(node, taskId);
  return { taskId, ...certificate };
}

/** This node votes like any other, before anybody else hears of the contract. */
async function voteFirst(
  node: ConsensusNode,
  contract: Contract,
  taskId: string,
): Promise<Signed<Vote>> {
  const own = await node.records.exclusive(taskId, async () => {
    const record = await node.records.receive(taskId, contract, null);
    await recordContract(node.audit, taskId, contract);
    try {
      return await consent(node, record);
    } catch (cause) {
      const refusal = refusalOf(cause);
      await endTask(node, record, 'refused', refusal);
      throw new NotAgreedError(taskId, node.signer.name, refusal, { cause });
    }
  });
  if (own) return own;
  try {
    return await awaitOwnApproval(node, taskId, contract);
  } catch (cause) {
    throw await ended(node, taskId, node.signer.name, cause);
  }
}

/** Ends a task because of an error of `party`, unless it has ended already; returns why it ended. */
async function ended(
  node: ConsensusNode,
  taskId: string,
  party: string,
  cause: unknown,
): Promise<NotAgreedError> {
  // Nothing happens if somebody ended it meanwhile: whose end it is stands in the record.
  await abortTask(node, taskId, refusalOf(cause), party);
  const { end } = (await node.records.find(taskId))!;
  return endedBy(taskId, end, { cause });
}

/**
 * What every peer answers; or the first refusal, in the contract's order, after telling everybody. The
 * signal tells a question that waits for a person that another one has failed.
 */
async function askAll<T>(
  node: ConsensusNode,
  taskId: string,
  peers: readonly string[],
  ask: (peer: string, signal: AbortSignal) => Promise<T>,
): Promise<readonly T[]> {
  const failed = new AbortController();
  const results = await Promise.allSettled(
    peers.map(async (peer) => {
      try {
        return await ask(peer, failed.signal);
      } catch (error) {
        if (!failed.signal.aborted) failed.abort(new GaveUp());
        throw error;
      }
    }),
  );
  for (const [i, result] of results.entries()) {
    if (result.status === 'fulfilled' || result.reason instanceof GaveUp) continue;
    if (!(result.reason instanceof ConsensusError)) node.events.failed(result.reason);
    throw await ended(node, taskId, peers[i]!, result.reason);
  }
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

/** A question that was not waited for, because another one has failed. */
class GaveUp extends Error {}

interface Proposal {
  readonly contract: Contract;
  readonly taskId: string;
  readonly own: Signed<Vote>;
}

async function requestVote(
  node: ConsensusNode,
  peer: string,
  { contract, taskId, own }: Proposal,
  signal: AbortSignal,
): Promise<Signed<Vote>> {
  const request = { contract: canonicalBytes(contract), vote: encodeSigned(own) };
  const options = { timeoutMs: DATA_TIMEOUT_MS };
  const { result } = await callPeer(node.peers, peer, METHODS.prepare, request, options);
  if (result?.$case === 'refused') throw refusalError(result.value);
  const signed =
    result?.$case === 'waiting'
      ? await awaitVote(node, peer, taskId, contract, signal)
      : result?.value;
  const vote = decodeSigned(VoteSchema, signed);
  if (vote.body.signer !== peer) {
    throw new ConsensusError('wrong_signer', `${peer} sent the vote of ${vote.body.signer}`);
  }
  checkVote(vote, contract, taskId, node.keys);
  checkVoteAge(vote, node.now());
  await recordVote(node.audit, vote);
  return vote;
}

/** Stores the certificate, unless somebody ended the task while the votes came in. */
async function certify(
  node: ConsensusNode,
  contract: Contract,
  taskId: string,
  votes: readonly Signed<Vote>[],
): Promise<CertificateRecord> {
  const certificate = composeCertificate(contract, votes);
  try {
    return await node.records.exclusive(taskId, async () => {
      const record = (await node.records.find(taskId))!;
      if (!isIn('voted', record)) throw endedBy(taskId, record.end);
      verifyCertificate(certificate, node.keys, node.now());
      await checkStillAllowed(node, record);
      await recordCertificate(node.audit, taskId, certificate);
      return node.records.committed(record, certificate);
    });
  } catch (cause) {
    if (cause instanceof NotAgreedError) throw cause;
    const refusal = refusalOf(cause);
    await abortTask(node, taskId, refusal);
    throw new NotAgreedError(taskId, node.signer.name, refusal, { cause });
  }
}

async function sendCertificate(
  node: ConsensusNode,
  peer: string,
  taskId: string,
  { certificate, digest }: CertificateRecord,
): Promise<void> {
  const request = {
    taskId: encodeHash(taskId),
    contract: canonicalBytes(certificate.contract),
    votes: certificate.votes.map(encodeSigned),
  };
  const options = { timeoutMs: ANSWER_TIMEOUT_MS };
  const { result } = await callPeer(node.peers, peer, METHODS.commit, request, options);
  if (result?.$case === 'refused') throw refusalError(result.value);
  const theirs = decodeHash(result?.value ?? new Uint8Array(), 'certificate_digest');
  if (theirs !== digest) {
    throw new ConsensusError('certificate_mismatch', `${peer} stored another certificate`);
  }
}

async function checkStillCommitted(node: ConsensusNode, taskId: string): Promise<void> {
  const record = await node.records.find(taskId);
  if (record?.state !== 'committed') throw endedBy(taskId, record?.end ?? null);
}

function endedBy(taskId: string, end: TaskEnd | null, options?: ErrorOptions): NotAgreedError {
  const refusal: Refusal = end ?? { code: 'wrong_state', reason: 'the task is over' };
  return new NotAgreedError(taskId, end?.party ?? '', refusal, options);
}
