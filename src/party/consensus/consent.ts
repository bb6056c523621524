import { decide, type PolicyRequest, type PolicyRule, policyRequest } from '../policy.ts';
import { type ConsensusNode, otherParties, ownPlace } from './consensus-node.ts';
import type { Contract, DatasetTerms } from './contract.ts';
import { checkDeclaration } from './contract-check.ts';
import { ConsensusError } from './errors.ts';
import type { VoteRecord } from './records.ts';
import { datasetErrorCode } from './task-draft.ts';
import { contractKey, ruleDigest, signVote } from './vote.ts';

/** Refuses a contract unless this node is in it and knows every other party by its key. */
export function checkParties(node: ConsensusNode, contract: Contract): void {
  ownPlace(node, contract);
  for (const name of otherParties(node, contract)) contractKey(contract, name, node.keys);
}

/**
 * This node's vote for a contract whose form, signature, age and novelty are checked: its code runs
 * the algorithm as described, its policy allows the task, and its data are what the contract says,
 * in this order. Nothing is stored or sent.
 */
export async function consent(
  node: ConsensusNode,
  contract: Contract,
  taskId: string,
): Promise<VoteRecord> {
  const rule = await allowingRule(node, contract);
  const me = ownPlace(node, contract);
  if (me.dataset) await verifyData(node, me.dataset);
  const salt = node.rng(32);
  const statement = {
    taskId,
    rule: ruleDigest(rule, salt),
    auditHead: await node.auditHead(),
  };
  const vote = signVote(node.signer, contract, statement, node.now(), node.rng);
  return { vote, opening: { rule, salt: Buffer.from(salt).toString('hex') } };
}

/**
 * The rule by which this node's policy allows a contract that its code runs as described. Asked for
 * the vote and once more before the start, when minutes may have passed or the node was restarted.
 */
export async function allowingRule(node: ConsensusNode, contract: Contract): Promise<PolicyRule> {
  checkDeclaration(contract, node.declare);
  return allowedBy(node, contract.initiator, policyRequest(contract, ownPlace(node, contract)));
}

/**
 * The rule that allows a request. Throws `refused_by_policy`, the same for every reason: which one it
 * is goes to this node's own log. A policy that cannot be read allows nothing.
 */
export async function allowedBy(
  node: ConsensusNode,
  peer: string,
  request: PolicyRequest,
): Promise<PolicyRule> {
  const policy = await node.policy().catch((cause: unknown) => {
    node.events.denied(peer, null, cause);
    throw refusedByPolicy();
  });
  const decision = decide(policy, request);
  if (decision.allow) return policy.rules[decision.rule]!;
  node.events.denied(peer, decision);
  throw refusedByPolicy();
}

function refusedByPolicy(): ConsensusError {
  return new ConsensusError('refused_by_policy', 'the policy does not allow it');
}

async function verifyData(node: ConsensusNode, terms: DatasetTerms): Promise<void> {
  try {
    await node.datasets.verify(terms);
  } catch (cause) {
    if (datasetErrorCode(cause) === undefined) throw cause;
    throw new ConsensusError('data_mismatch', (cause as Error).message, { cause });
  }
}
