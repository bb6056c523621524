/** How a node makes up its mind about a contract: whether it votes, asks a person, or refuses. */
import { decide } from '../policy.ts';
import type { Usage } from '../policy-limits.ts';
import { type PolicyRequest, policyRequest } from '../policy-request.ts';
import type { PolicyRule } from '../policy-rule.ts';
import { type ConsensusNode, otherParties, ownPlace } from './consensus-node.ts';
import { recordVote } from './consensus-trail.ts';
import type { Contract, DatasetTerms } from './contract.ts';
import { checkDeclaration, checkValidity } from './contract-check.ts';
import { ConsensusError } from './errors.ts';
import { type ContractRecord, MAX_ASKED_A_DAY } from './records.ts';
import type { Signed } from './signed.ts';
import { datasetErrorCode } from './task-draft.ts';
import { usageOf } from './usage.ts';
import { contractKey, ruleDigest, signVote, type Vote } from './vote.ts';

/** Refuses a contract unless this node is in it and knows every other party by its key. */
export function checkParties(node: ConsensusNode, contract: Contract): void {
  ownPlace(node, contract);
  for (const name of otherParties(node, contract)) contractKey(contract, name, node.keys);
}

/**
 * Votes for a contract whose form, signature, age and novelty are checked: this node's code runs the
 * algorithm as described, its policy allows the task, and its data are what the contract says, in
 * this order. Returns null when the policy wants a person's word, which `approved` says is given. The
 * vote, or that somebody was asked, is stored; the caller holds the task.
 */
export async function consent(
  node: ConsensusNode,
  record: ContractRecord,
  approved = false,
): Promise<Signed<Vote> | null> {
  const { taskId, contract } = record;
  await allowingRule(node, taskId, contract, null);
  const me = ownPlace(node, contract);
  const dataset = me.dataset && (await verifyData(node, contract, me.dataset));
  checkValidity(contract, node.now()); // reading the data takes its time
  const vote = await node.records.voting(async () => {
    const { rule, ask } = await allowingRule(node, taskId, contract, dataset);
    if (ask && !approved) {
      const isOwn = record.initiator === node.signer.name;
      await node.records.asked(record, isOwn ? Number.POSITIVE_INFINITY : MAX_ASKED_A_DAY);
      return null;
    }
    const salt = node.rng(32);
    const statement = {
      taskId,
      rule: ruleDigest(rule, salt),
      auditHead: node.audit.head(),
    };
    const own = signVote(node.signer, contract, statement, node.now(), node.rng);
    await recordVote(node.audit, own);
    const opening = { rule, salt: Buffer.from(salt).toString('hex') };
    await node.records.voted(record, { vote: own, opening }, dataset);
    return own;
  });
  if (!vote) node.events.asked(taskId, contract);
  return vote;
}

/** Refuses a task that this node voted for when its policy allows it no more. */
export async function checkStillAllowed(
  node: ConsensusNode,
  { taskId, contract, dataset }: ContractRecord,
): Promise<void> {
  await allowingRule(node, taskId, contract, dataset);
}

/** What lets a task run. */
interface Allowed {
  readonly rule: PolicyRule;
  /** Once a person has said yes. */
  readonly ask: boolean;
}

/**
 * The rule by which this node's policy allows a contract that its code runs as described. Asked before
 * the data are touched, for the vote, and once more before the start, when minutes may have passed or
 * the node was restarted.
 *
 * @param dataset - See `usageOf`.
 */
async function allowingRule(
  node: ConsensusNode,
  taskId: string,
  contract: Contract,
  dataset: string | null,
): Promise<Allowed> {
  checkDeclaration(contract, node.declare);
  const usage = await usageOf(node, taskId, dataset);
  const request = policyRequest(contract, ownPlace(node, contract));
  return allowedBy(node, contract.initiator, request, usage);
}

/**
 * The rule that allows a request. Throws `refused_by_policy`, the same for every reason: which one it
 * is goes to this node's own log. A policy that cannot be read allows nothing.
 *
 * @param usage - Null while the peer asks what a dataset would bring.
 */
export async function allowedBy(
  node: ConsensusNode,
  peer: string,
  request: PolicyRequest,
  usage: Usage | null = null,
): Promise<Allowed> {
  const policy = await node.policy().catch((cause: unknown) => {
    node.events.denied(peer, null, cause);
    throw refusedByPolicy();
  });
  const decision = decide(policy, request, { now: node.now(), usage });
  if (decision.allow) return { rule: policy.rules[decision.rule]!, ask: decision.ask };
  node.events.denied(peer, decision);
  throw refusedByPolicy();
}

/** What a peer learns of every refusal, whatever its reason. */
export function refusedByPolicy(): ConsensusError {
  return new ConsensusError('refused_by_policy', 'the policy does not allow it');
}

/** Checks that the data are those of the terms. Returns what stands for them in budgets. */
async function verifyData(
  node: ConsensusNode,
  contract: Contract,
  terms: DatasetTerms,
): Promise<string> {
  try {
    await node.datasets.verify(contract, node.signer.name);
    return await node.datasets.identity(terms);
  } catch (cause) {
    if (datasetErrorCode(cause) === undefined) throw cause;
    throw new ConsensusError('data_mismatch', (cause as Error).message, { cause });
  }
}
