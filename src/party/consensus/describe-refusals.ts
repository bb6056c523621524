import type { ConsensusNode } from './consensus-node.ts';

/** The same answer to the same peer is recorded again after so long: own choice. */
const AGAIN_MS = 60_000;

/**
 * Records that a peer was not told of data. A peer may ask as often as it likes, and every entry stays:
 * the same refusal is recorded once a minute.
 */
export function describeRefusals({
  audit,
  now,
  signer,
}: Pick<ConsensusNode, 'audit' | 'now' | 'signer'>): {
  record(peer: string, code: string): Promise<void>;
} {
  const last = new Map<string, number>();
  return {
    async record(peer, code) {
      const key = `${peer} ${code}`;
      if (now() - (last.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
      last.set(key, now());
      const body = { party: signer.name, from: peer, step: 'describe', code } as const;
      await audit.trail.record('refusal', {}, body);
    },
  };
}
