import { canonicalDigest } from './canonical-json.ts';
import { type ConsensusNode, otherParties } from './consensus-node.ts';
import type { Contract } from './contract.ts';
import { ConsensusError, type Refusal, refusalOf } from './errors.ts';
import { checkReceipt, RECEIPT_DOMAIN } from './receipt-check.ts';
import {
  type CommittedField,
  ReceiptSchema,
  type ResultOpening,
  type ResultReceipt,
  type ResultStatement,
  resultCommitment,
} from './receipt-statement.ts';
import type { ResultOpenings } from './records.ts';
import { decodeSigned, encodeSigned, type Signed, signBody } from './signed.ts';
import { PROTOCOL_VERSION } from './vote.ts';
import { ANSWER_TIMEOUT_MS, callPeer, decodeHash, METHODS, refusalError } from './wire.ts';

/** A party that did not take the receipt, and why. */
export interface UndeliveredReceipt extends Refusal {
  readonly party: string;
}

/**
 * Signs how the task ended here, stores it, and sends it to every other party. A party that cannot
 * take it now is returned, not thrown: the result does not depend on it, and it can be sent again.
 */
export async function submitReceipt(
  node: ConsensusNode,
  statement: ResultStatement,
): Promise<readonly UndeliveredReceipt[]> {
  const contract = await agreedContract(node, statement.taskId);
  const openings: { -readonly [F in CommittedField]?: ResultOpening } = {};
  const commit = (field: CommittedField): string | null => {
    const digest = statement[field];
    if (digest === null) return null;
    const opening = { salt: Buffer.from(node.rng(32)).toString('hex'), digest };
    openings[field] = opening;
    return resultCommitment(field, opening);
  };
  const receipt = signBody<ResultReceipt>(node.signer, RECEIPT_DOMAIN, {
    ...statement,
    model: commit('model'),
    metrics: commit('metrics'),
    protocolVersion: PROTOCOL_VERSION,
    signer: node.signer.name,
    fingerprint: node.signer.fingerprint,
    signedAt: new Date(node.now()).toISOString(),
  });
  await storeReceipt(node, contract, receipt, openings);
  return sendReceipt(node, contract, receipt);
}

/**
 * Sends this node's receipt of a task again and takes the others' that came too late or not at all: as
 * after a restart, of either side. Does nothing for a task without one.
 */
export async function exchangeAgain(node: ConsensusNode, taskId: string): Promise<void> {
  const contract = await agreedContract(node, taskId);
  const last = (await node.attempts.next(Buffer.from(taskId, 'hex'))) - 1;
  const own = await node.records.receipt(taskId, last, node.signer.name);
  if (own) await sendReceipt(node, contract, own);
}

/** Sends a stored receipt, and takes those of parties that have signed theirs before. */
export async function sendReceipt(
  node: ConsensusNode,
  contract: Contract,
  receipt: Signed<ResultReceipt>,
): Promise<readonly UndeliveredReceipt[]> {
  const request = { receipt: encodeSigned(receipt) };
  const options = { timeoutMs: ANSWER_TIMEOUT_MS };
  const outcomes = await Promise.all(
    otherParties(node, contract).map(async (party) => {
      try {
        const answer = await callPeer(node.peers, party, METHODS.receipt, request, options);
        const { result, own } = answer;
        if (result?.$case === 'refused') throw refusalError(result.value);
        const digest = decodeHash(result?.value ?? new Uint8Array(), 'receipt_digest');
        if (digest !== canonicalDigest(receipt.body)) {
          throw new ConsensusError('malformed_message', `${party} stored another receipt`);
        }
        if (own) await answerReceipt(node, party, decodeSigned(ReceiptSchema, own));
        return undefined;
      } catch (error) {
        return { party, ...refusalOf(error) };
      }
    }),
  );
  return outcomes.filter((outcome) => outcome !== undefined);
}

/** Verifies and stores a peer's receipt; returns its digest. The same one may come again. */
export async function answerReceipt(
  node: ConsensusNode,
  peer: string,
  receipt: Signed<ResultReceipt>,
): Promise<string> {
  if (receipt.body.signer !== peer) {
    throw new ConsensusError('wrong_signer', `${peer} sent the receipt of ${receipt.body.signer}`);
  }
  const contract = await agreedContract(node, receipt.body.taskId);
  await storeReceipt(node, contract, receipt);
  return canonicalDigest(receipt.body);
}

/** The contract of a task that had a start certificate here. */
async function agreedContract(node: ConsensusNode, taskId: string): Promise<Contract> {
  const committed = await node.records.certificate(taskId);
  if (!committed) throw new ConsensusError('unknown_task', 'no such task was agreed');
  return committed.certificate.contract;
}

async function storeReceipt(
  node: ConsensusNode,
  contract: Contract,
  receipt: Signed<ResultReceipt>,
  openings: ResultOpenings = {},
): Promise<void> {
  checkReceipt(receipt, contract, node);
  const { taskId, attempt, signer } = receipt.body;
  // One receipt for each attempt there was bounds what a party can make this node keep.
  if (attempt < 1 || attempt >= (await node.attempts.next(Buffer.from(taskId, 'hex')))) {
    throw new ConsensusError('unknown_attempt', `there was no attempt ${attempt} at the task`);
  }
  await node.records.exclusive(taskId, async () => {
    const known = await node.records.receipt(taskId, attempt, signer);
    if (known && known.signature !== receipt.signature) {
      throw new ConsensusError('duplicate_receipt', `${signer} signed another receipt before`);
    }
    if (known) return;
    const own = signer === node.signer.name;
    const { trail, implementation } = node.audit;
    const entry = { receipt, implementation: own ? implementation : null };
    await trail.record('result', { task: taskId, attempt }, entry);
    await node.records.received(receipt, openings);
  });
}
