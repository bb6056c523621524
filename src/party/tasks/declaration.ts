import { linearLeakage } from '../../ml/vertical/linear/leakage.ts';
import type { Contract } from '../consensus/contract.ts';
import type { Declare } from '../consensus/contract-check.ts';

/** What this node's code is and reveals for the algorithms that it runs. */
export function declareAlgorithms(implementation: string): Declare {
  return ({ algorithm, parameters, alignment }: Contract) => ({
    implementation,
    leakage: linearLeakage({
      algorithm: algorithm.name,
      parameters,
      alignment: alignment.method,
    }),
  });
}
