import type { Usage } from '../policy-limits.ts';
import { openingsTo, policyRequest } from '../policy-request.ts';
import type { ConsensusNode } from './consensus-node.ts';
import { type ContractRecord, isRecent } from './records.ts';

/**
 * What this node's other tasks take of what its rules allow.
 *
 * @param dataset - `Datasets.identity` of what this node would bring; null when it brings nothing, or
 *   while its files must not be looked at: then only the number of tasks counts.
 */
export async function usageOf(
  node: ConsensusNode,
  taskId: string,
  dataset: string | null,
): Promise<Usage> {
  const others = (await node.records.current()).filter((record) => record.taskId !== taskId);
  const voted = others.filter((record) => isRecent(record, node.now()));
  const sum = new Map(dataset === null ? [] : await node.records.openedValues(dataset));
  for (const record of others) {
    if (dataset === null || record.dataset !== dataset || !mayRun(record, node.now())) continue;
    for (const { peer, class: name, most } of openingsTo(record.contract, node.signer.name)) {
      const key = `${peer}/${name}`;
      sum.set(key, (sum.get(key) ?? 0) + most);
    }
  }
  return {
    voted: voted.flatMap(({ contract }) => {
      // By name alone: the key may be another one since.
      const me = contract.parties.find(({ name }) => name === node.signer.name);
      return me ? [policyRequest(contract, me)] : [];
    }),
    opened: (peer, name) => sum.get(`${peer}/${name}`) ?? 0,
  };
}

/** Whether a task that this node voted for can still open values. */
function mayRun({ state, contract }: ContractRecord, now: number): boolean {
  return state === 'committed' || (state === 'voted' && now < Date.parse(contract.expiresAt));
}
