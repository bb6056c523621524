import type { Contract, LinearTraining } from '../../src/party/consensus/contract.ts';
import { sampleContract, testIdentity } from './contracts.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The sample contract with the value at a path replaced, or removed by `undefined`. */
export function changed<C extends Contract = LinearTraining>(
  path: string,
  value: Json | undefined,
  base: C = twoParties() as Contract as C,
): C {
  const copy = structuredClone(base) as unknown as { [key: string]: Json };
  const keys = path.split('/');
  const last = keys.pop()!;
  let node = copy;
  for (const key of keys) node = node[key] as { [key: string]: Json };
  if (value === undefined) delete node[last];
  else node[last] = value;
  return copy as unknown as C;
}

function twoParties(): LinearTraining {
  return sampleContract(['orgA', 'orgB'].map((name) => testIdentity(name).signer));
}
