import { onceAMinute } from '../audit/once-a-minute.ts';
import type { ConsensusNode } from './consensus-node.ts';

/** Records that a peer was not told of data, the same answer once a minute. */
export function describeRefusals({
  audit,
  now,
  signer,
}: Pick<ConsensusNode, 'audit' | 'now' | 'signer'>): {
  record(peer: string, code: string): Promise<void>;
} {
  const seldom = onceAMinute(now);
  return {
    record: (peer, code) =>
      seldom(`${peer} ${code}`, () => {
        const body = { party: signer.name, from: peer, step: 'describe', code } as const;
        return audit.trail.record('refusal', {}, body);
      }),
  };
}
