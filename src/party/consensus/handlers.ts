/** The consensus calls as the control plane serves them: decode, answer, encode. */
import type { Refused, SignedStatement } from '../../../proto/gen/consensus.ts';
import type { ControlServer } from '../transport/control.ts';
import { answerVote } from './approval.ts';
import { canonicalBytes } from './canonical-json.ts';
import type { ConsensusNode } from './consensus-node.ts';
import { MAX_PARTIES } from './contract-limits.ts';
import { describeOwn } from './describe.ts';
import { describeRefusals } from './describe-refusals.ts';
import { ConsensusError, refusalOf } from './errors.ts';
import { answerReceipt } from './receipt.ts';
import { ReceiptSchema, type ResultReceipt } from './receipt-statement.ts';
import { answerCommit, answerPrepare } from './responder.ts';
import { decodeJson } from './schema.ts';
import { decodeSigned, encodeSigned, type Signed } from './signed.ts';
import { TaskDraftSchema } from './task-draft.ts';
import { answerAbort } from './task-end.ts';
import { turns } from './turns.ts';
import { type Vote, VoteSchema } from './vote.ts';
import { decodeHash, decodeRefusal, encodeHash, encodeRefusal, METHODS } from './wire.ts';

/** Largest draft: every column selected and named a category. */
const MAX_DRAFT_BYTES = 1 << 20;

export function serveConsensus(server: ControlServer, node: ConsensusNode): void {
  /** Calls that wait for a person, one a task: a later one is answered in the place of the earlier. */
  const polls = new Map<string, AbortController>();
  /** Describing reads a whole file, and no contract bounds how often. */
  const takeTurn = turns();
  const refusals = describeRefusals(node);

  server.handle(METHODS.describe, async ({ name: peer }, { draft }, { signal }) => ({
    result: await orRefused(node, async () => {
      const decoded = decodeJson(TaskDraftSchema, draft, MAX_DRAFT_BYTES, 'malformed_message');
      const terms = await takeTurn(peer, signal, () => describeOwn(node, peer, decoded)).catch(
        async (error: unknown) => {
          await refusals.record(peer, refusalOf(error).code);
          throw error;
        },
      );
      return { $case: 'terms', value: canonicalBytes(terms) } as const;
    }),
  }));

  server.handle(METHODS.prepare, async ({ name: peer }, { contract, vote }) => ({
    result: await orRefused(node, async () => {
      const proposal = decodeSigned(VoteSchema, vote);
      const own = await answerPrepare(node, peer, contract, proposal);
      if (!own) return { $case: 'waiting', value: {} } as const;
      return { $case: 'vote', value: encodeSigned(own) } as const;
    }),
  }));

  server.handle(METHODS.vote, async ({ name: peer }, { taskId }, { signal }) => ({
    result: await orRefused(node, async () => {
      const task = decodeHash(taskId, 'task_id');
      const id = `${peer}/${task}`;
      const poll = new AbortController();
      polls.get(id)?.abort();
      polls.set(id, poll);
      try {
        const either = AbortSignal.any([signal, poll.signal]);
        const own = await answerVote(node, peer, task, either);
        if (!own) return { $case: 'waiting', value: {} } as const;
        return { $case: 'vote', value: encodeSigned(own) } as const;
      } finally {
        if (polls.get(id) === poll) polls.delete(id);
      }
    }),
  }));

  server.handle(METHODS.commit, async ({ name: peer }, { taskId, contract, votes }) => ({
    result: await orRefused(node, async () => {
      const id = decodeHash(taskId, 'task_id');
      const { digest } = await answerCommit(node, peer, id, contract, decodeVotes(votes));
      return { $case: 'certificateDigest', value: encodeHash(digest) } as const;
    }),
  }));

  server.handle(METHODS.abort, async ({ name: peer }, { taskId, party, refused }) => {
    const id = decodeHash(taskId, 'task_id');
    await answerAbort(node, peer, id, party, decodeRefusal(refused));
    return {};
  });

  server.handle(METHODS.receipt, async ({ name: peer }, { receipt }) => {
    let own: Signed<ResultReceipt> | undefined;
    const result = await orRefused(node, async () => {
      const theirs = decodeSigned(ReceiptSchema, receipt);
      const digest = await answerReceipt(node, peer, theirs);
      const { taskId, attempt } = theirs.body;
      own = await node.records.receipt(taskId, attempt, node.signer.name);
      return { $case: 'receiptDigest', value: encodeHash(digest) } as const;
    });
    return { result, own: own && encodeSigned(own) };
  });
}

type RefusedResult = { readonly $case: 'refused'; readonly value: Refused };

/** The answer, or the refusal in its place. What is no refusal is this node's fault and reported. */
async function orRefused<T>(
  node: ConsensusNode,
  answer: () => Promise<T>,
): Promise<T | RefusedResult> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof ConsensusError)) node.events.failed(error);
    return { $case: 'refused', value: encodeRefusal(refusalOf(error)) };
  }
}

function decodeVotes(votes: readonly SignedStatement[]): readonly Signed<Vote>[] {
  if (votes.length > MAX_PARTIES) {
    throw new ConsensusError('malformed_message', `expected at most ${MAX_PARTIES} votes`);
  }
  return votes.map((vote) => decodeSigned(VoteSchema, vote));
}
