/**
 * The one function behind which every private set intersection stands: tasks and the alignment that
 * joint training starts from differ in what they do with the rows, not in how they find them.
 *
 * Functionality: of the sets of all parties, each learner gets its own rows of the common items.
 *   Every party in: its items, distinct    out: its rows of the common items, or null
 *   Row k of one learner and row k of another belong to the same item.
 *
 * Security, leaks and cost: those of the engine. The order is that of the items, which are salted
 *   hashes: it says nothing of anybody's file.
 */
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import type { Parties, PartyIndex } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { ecdhPsiReceiver, ecdhPsiSender } from './ecdh-psi.ts';
import { sortByItem } from './joint-order.ts';

export type PsiEngine = 'ecdh' | 'rr22';

/** Agreed between the parties, except `curve` and what a party can spend. */
export interface IntersectionOptions {
  /** `ecdh` for two parties only. */
  readonly engine: PsiEngine;
  /** Largest set that any party may bring to one `intersect`. */
  readonly maxItems: number;
  /** Learns first: the receiver of two. */
  readonly leader: PartyIndex;
  /** Who learns the intersection, the leader among them. */
  readonly learners: readonly PartyIndex[];
  /** Asked for by `ecdh` alone; the caller closes it. */
  readonly curve: () => CurveEngine;
}

/** Serves one bucket of items after the other, each with all parties. */
export interface IntersectionSession {
  /**
   * This party's rows of the common items, in the joint order: lexicographic by item, the same at all
   * parties. Null for a party that does not learn. Never two calls at once.
   *
   * @param items - n x 16, distinct and pseudo-random.
   */
  intersect(items: Uint8Array): Promise<Uint32Array<ArrayBuffer> | null>;
}

/**
 * Opens a session with all other parties, who open it with the same options. Takes forks of the
 * parties' channels. After an error the caller closes them: the session cannot go on.
 */
export async function openIntersection(
  parties: Parties,
  options: IntersectionOptions,
  rng: Rng,
): Promise<IntersectionSession> {
  checkRoles(parties, options);
  if (options.engine === 'rr22') throw new RangeError('"engine" expected ecdh, got rr22');
  return ecdhSession(parties, options, rng);
}

function ecdhSession(
  parties: Parties,
  { leader, learners, maxItems, curve }: IntersectionOptions,
  rng: Rng,
): IntersectionSession {
  if (parties.n !== 2) throw new RangeError(`"engine" expected rr22 for ${parties.n} parties`);
  const channel = parties.channel(1 - parties.me);
  const resultTo = learners.length === 2 ? 'both' : 'receiver';
  const options = { engine: curve(), maxItems, resultTo } as const;
  const run = parties.me === leader ? ecdhPsiReceiver : ecdhPsiSender;
  let bucket = 0;
  return {
    intersect: async (items) => {
      const rows = await run(channel.fork(`bucket-${bucket++}`), items, options, rng);
      return rows ? sortByItem(rows, items) : null;
    },
  };
}

function checkRoles(
  { n }: Parties,
  { leader, learners }: Pick<IntersectionOptions, 'leader' | 'learners'>,
): void {
  if (n < 2) throw new RangeError(`"parties" expected two or more, got ${n}`);
  const isParty = (index: PartyIndex): boolean =>
    Number.isInteger(index) && index >= 0 && index < n;
  if (!isParty(leader)) throw new RangeError(`"leader" expected a party, got ${leader}`);
  if (!learners.every(isParty) || new Set(learners).size !== learners.length) {
    throw new RangeError(`"learners" expected different parties, got ${learners.join(', ')}`);
  }
  if (!learners.includes(leader)) throw new RangeError('"learners" expected the leader among them');
}
