/**
 * A contract that waits for a person. Its node's policy has allowed it so far, its data are what it
 * says, and nothing is signed: the initiator asks again and again until there is a vote or an end.
 *
 *   initiator                          a party whose policy asks
 *     --- contract, own vote -------->   checks, stores, asks      (prepare)
 *     <-- waiting --------------------
 *     --- task ---------------------->                             (vote, as often as it takes)
 *                                        a person approves: checks again, votes, stores
 *     <-- vote -----------------------
 *
 * The initiator's own policy may ask too; then the contract goes out once its person has approved.
 */
import type { SignedStatement } from '../../../proto/gen/consensus.ts';
import { pause, systemClock } from '../clock.ts';
import type { ConsensusNode, Patience } from './consensus-node.ts';
import { checkParties, consent } from './consent.ts';
import type { Contract } from './contract.ts';
import { checkValidity } from './contract-check.ts';
import { ConsensusError, type Refusal, refusalOf } from './errors.ts';
import { type ConsensusRecord, type ContractRecord, isIn } from './records.ts';
import type { Signed } from './signed.ts';
import { endTask, tellOthers } from './task-end.ts';
import type { Vote } from './vote.ts';
import { ANSWER_TIMEOUT_MS, callPeer, encodeHash, METHODS, refusalError } from './wire.ts';

/** Own choices: calls stay shorter than what proxies and firewalls cut off. */
const PATIENCE: Patience = { answerMs: 20_000, retryMs: 2_000 };

/** Tasks that wait for a person at this node. */
export async function awaitingApproval(node: ConsensusNode): Promise<readonly ContractRecord[]> {
  return (await node.records.current()).filter((record) => waits(record, node.now()));
}

function waits({ state, expiresAt }: ConsensusRecord, now: number): boolean {
  return state === 'asked' && now < Date.parse(expiresAt);
}

/**
 * A person's yes: everything is checked again, and this node votes. Throws `unknown_task`, `wrong_state`
 * when nobody was asked, or what now stands against the task, which has ended then.
 *
 * @param record - Keeps whose yes it is, before the vote.
 */
export async function approveTask(
  node: ConsensusNode,
  taskId: string,
  record: () => Promise<unknown> = async () => {},
): Promise<void> {
  await node.records.exclusive(taskId, async () => {
    const found = await asked(node, taskId);
    await record();
    try {
      checkParties(node, found.contract);
      checkValidity(found.contract, node.now());
      await consent(node, found, true);
    } catch (error) {
      await endTask(node, found, 'refused', refusalOf(error));
      throw error;
    }
  });
  node.events.approved(taskId);
}

/** A person's no: ends the task here and tells every other party. Throws `unknown_task`, `wrong_state`. */
export async function denyTask(node: ConsensusNode, taskId: string): Promise<void> {
  const refusal: Refusal = { code: 'refused_by_policy', reason: 'a person did not approve it' };
  const record = await node.records.exclusive(taskId, async () => {
    const found = await asked(node, taskId);
    await endTask(node, found, 'refused', refusal);
    return found;
  });
  await tellOthers(node, record, refusal);
}

async function asked(node: ConsensusNode, taskId: string): Promise<ContractRecord> {
  const record = await node.records.find(taskId);
  if (!record) throw new ConsensusError('unknown_task', 'no such task');
  if (isIn('asked', record)) return record;
  throw new ConsensusError('wrong_state', `the task is ${record.state}: nobody is asked about it`);
}

/**
 * Answers the initiator that asks again: this node's vote, or null when there is none after a while.
 * Throws the refusal with which the task ended here.
 */
export async function answerVote(
  node: ConsensusNode,
  peer: string,
  taskId: string,
  signal: AbortSignal,
): Promise<Signed<Vote> | null> {
  const { answerMs } = node.patience ?? PATIENCE;
  const found = await node.records.find(taskId);
  if (found?.initiator !== peer) throw new ConsensusError('unknown_task', 'no such task');
  const timely = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  const record = await node.records.until(taskId, ({ state }) => state !== 'asked', timely);
  if (record?.state === 'asked') return null;
  const own = record?.votedAt && (await node.records.vote(taskId, node.signer.name));
  if (own && record.end === null) return own.vote;
  throw endError(record);
}

/** The initiator's own vote, once a person at its node has approved it. */
export async function awaitOwnApproval(
  node: ConsensusNode,
  taskId: string,
  contract: Contract,
): Promise<Signed<Vote>> {
  const { answerMs } = node.patience ?? PATIENCE;
  for (;;) {
    checkValidity(contract, node.now());
    const timely = AbortSignal.timeout(answerMs);
    const record = await node.records.until(taskId, ({ state }) => state !== 'asked', timely);
    if (record?.state === 'asked') continue;
    if (record?.state !== 'voted') throw endError(record);
    return (await node.records.vote(taskId, node.signer.name))!.vote;
  }
}

/**
 * The vote of a peer that waits for a person. A peer that cannot be reached may come back, until the
 * contract expires. Throws the signal's reason once it is aborted, and the task's end at this node.
 */
export async function awaitVote(
  node: ConsensusNode,
  peer: string,
  taskId: string,
  contract: Contract,
  signal: AbortSignal,
): Promise<SignedStatement> {
  const { answerMs, retryMs } = node.patience ?? PATIENCE;
  const request = { taskId: encodeHash(taskId) };
  const stop = new AbortController();
  const over = new AbortController();
  const watched = AbortSignal.any([signal, stop.signal]);
  void node.records
    .until(taskId, ({ state }) => state !== 'voted', watched)
    .then((record) => over.abort(signal.aborted ? signal.reason : endError(record)))
    .catch((error: unknown) => over.abort(error));
  const options = { timeoutMs: answerMs + ANSWER_TIMEOUT_MS, signal: over.signal };
  try {
    for (;;) {
      over.signal.throwIfAborted();
      checkValidity(contract, node.now());
      const result = await callPeer(node.peers, peer, METHODS.vote, request, options).then(
        (response) => response.result,
        (error: unknown) => {
          over.signal.throwIfAborted();
          if (isAway(error)) return undefined;
          throw error;
        },
      );
      if (result?.$case === 'vote') return result.value;
      if (result?.$case === 'refused') throw refusalError(result.value);
      await pause(systemClock, retryMs, over.signal);
    }
  } finally {
    stop.abort();
  }
}

function isAway(error: unknown): boolean {
  if (!(error instanceof ConsensusError)) return false;
  return error.code === 'unreachable' || error.code === 'timed_out';
}

function endError(record: ConsensusRecord | undefined): ConsensusError {
  const end: Refusal = record?.end ?? { code: 'wrong_state', reason: 'the task is over' };
  return new ConsensusError(end.code, end.reason);
}
