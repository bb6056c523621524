/** How a task ends without a result: at this node, and at every other party. */
import type { ConsensusNode } from './consensus-node.ts';
import { otherParties } from './consensus-node.ts';
import { recordEnd } from './consensus-trail.ts';
import { ConsensusError, type Refusal } from './errors.ts';
import { type ConsensusRecord, type ContractRecord, isOpen, type TaskEnd } from './records.ts';
import { ANSWER_TIMEOUT_MS, callPeer, encodeHash, encodeRefusal, METHODS } from './wire.ts';

/** Who told this node, and whose refusal it is; this node's own by default. */
export interface EndSource {
  readonly from?: string;
  readonly party?: string;
}

/** Records the end of a task at this node alone. The caller holds the task. */
export async function endTask(
  node: ConsensusNode,
  record: ConsensusRecord,
  state: 'refused' | 'aborted',
  { code, reason }: Refusal,
  { from = node.signer.name, party = from }: EndSource = {},
): Promise<void> {
  const time = new Date(node.now()).toISOString();
  const end: TaskEnd = { from, party, code, reason, time };
  await recordEnd(node.audit, record.taskId, record.state, end);
  await node.records.ended(record, state, end);
  node.events.ended(record.taskId, end);
}

/**
 * Takes note that `peer` ended a task, in whatever phase. Ignored when the task is unknown or over,
 * or when the peer is no party of it: nobody else may end it, or learn whether it exists.
 */
export async function answerAbort(
  node: ConsensusNode,
  peer: string,
  taskId: string,
  party: string,
  refusal: Refusal,
): Promise<void> {
  await node.records.exclusive(taskId, async () => {
    const record = await node.records.find(taskId);
    if (!record || !isOpen(record)) return;
    const names = record.contract.parties.map(({ name }) => name);
    if (!names.includes(peer)) return;
    const whose = names.includes(party) ? party : peer;
    await endTask(node, record, 'aborted', refusal, { from: peer, party: whose });
  });
}

/**
 * Ends a task here and tells every other party why. Resolves once it is recorded here and each of
 * them has answered or cannot be reached. Throws `unknown_task`; does nothing when it is over.
 *
 * @param party - Whose refusal it is, when not this node's own.
 */
export async function abortTask(
  node: ConsensusNode,
  taskId: string,
  refusal: Refusal,
  party: string = node.signer.name,
): Promise<void> {
  const record = await node.records.exclusive(taskId, async () => {
    const found = await node.records.find(taskId);
    if (!found) throw new ConsensusError('unknown_task', 'no such task');
    if (!isOpen(found)) return undefined;
    await endTask(node, found, 'aborted', refusal, { party });
    return found;
  });
  if (record) await tellOthers(node, record, refusal, party);
}

/** Tells every other party that this one ended a task, and whose refusal it is. */
export async function tellOthers(
  node: ConsensusNode,
  { taskId, contract }: ContractRecord,
  refusal: Refusal,
  party: string = node.signer.name,
): Promise<void> {
  const request = { taskId: encodeHash(taskId), refused: encodeRefusal(refusal), party };
  const options = { timeoutMs: ANSWER_TIMEOUT_MS };
  // A party that does not hear of it finds out when it opens a session, or when the contract expires.
  await Promise.allSettled(
    otherParties(node, contract).map((peer) =>
      callPeer(node.peers, peer, METHODS.abort, request, options),
    ),
  );
}

/** Marks a committed task as over with a result; nothing ends it afterwards. Throws `wrong_state`. */
export async function finishTask(node: ConsensusNode, taskId: string): Promise<void> {
  await node.records.exclusive(taskId, async () => {
    const record = await node.records.find(taskId);
    if (record?.state !== 'committed') {
      throw new ConsensusError('wrong_state', `the task is ${record?.state ?? 'unknown'}`);
    }
    await node.records.finished(record);
  });
}

/**
 * After a restart: ends what consensus left open. Tasks that this node was proposing are aborted at
 * every party; tasks whose contract has expired without a certificate end here. Those of others that
 * wait for a person go on waiting.
 */
export async function endStaleTasks(node: ConsensusNode): Promise<void> {
  for (const record of await node.records.current()) {
    const { taskId, contract, state } = record;
    if (!isOpen(record) || state === 'committed') continue;
    if (contract.initiator === node.signer.name) {
      await abortTask(node, taskId, { code: 'aborted', reason: 'the initiator restarted' });
    } else if (state === 'received') {
      await abortTask(node, taskId, { code: 'aborted', reason: 'the node restarted' });
    }
  }
  await endExpiredTasks(node);
}

/** Ends, at this node alone, the tasks whose contract has expired without a certificate. */
export async function endExpiredTasks(node: ConsensusNode): Promise<void> {
  const { name } = node.signer;
  for (const { taskId, contract, state } of await node.records.current()) {
    if (state !== 'asked' && state !== 'voted') continue;
    if (Date.parse(contract.expiresAt) > node.now()) continue;
    const reason = 'nobody committed the contract in time';
    await answerAbort(node, name, taskId, name, { code: 'expired', reason });
  }
}
