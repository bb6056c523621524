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
import { loadWasmOkvsKernel } from '../../kernels/okvs-kernel.wasm.ts';
import type { MemoryBudget } from '../../kernels/wasm-memory.ts';
import type { Channel, Parties, PartyIndex } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { frugalSilentVole } from '../vole/silent-vole.ts';
import type { VoleSource } from '../vole/vole.ts';
import type { Forecast } from './advance.ts';
import { ecdhPsiReceiver, ecdhPsiSender } from './ecdh-psi.ts';
import { sortByItem } from './joint-order.ts';
import { MAX_EVALUATED, Rr22Items, Rr22Receiver, Rr22Sender } from './rr22-oprf.ts';
import { rr22PsiReceiver, rr22PsiSender } from './rr22-psi.ts';
import { starLeader, starSpoke } from './star-psi.ts';
import { ZeroSharing } from './zero-sharing.ts';

export type PsiEngine = 'ecdh' | 'rr22';

/** Agreed between the parties, except `curve`, `vole` and `budget`. */
export interface IntersectionOptions {
  /** `ecdh` for two parties only. */
  readonly engine: PsiEngine;
  /** Largest set that any party may bring to one `intersect`. */
  readonly maxItems: number;
  /** Calls of `intersect` that share the bound on false matches, such as a task's buckets; agreed. Default 1. */
  readonly runs?: number | undefined;
  /** Learns first: the receiver of two. */
  readonly leader: PartyIndex;
  /** Who learns the intersection, the leader among them. */
  readonly learners: readonly PartyIndex[];
  /** What the leader is going to bring: `rr22` works ahead by it. */
  readonly forecast?: Forecast | undefined;
  /** Asked for by `ecdh` alone; the caller closes it. */
  readonly curve: () => CurveEngine;
  /** Pays for the memory of kernels. */
  readonly budget?: MemoryBudget | undefined;
  /** Where the correlations of `rr22` come from; tests put a dealer here. */
  readonly vole?: VoleSource | undefined;
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

/** One intersection of a session: `forkOf` gives the fork of a party's channel that it alone uses. */
type Intersect = (
  items: Uint8Array,
  forkOf: (peer: PartyIndex) => Channel,
) => Promise<Uint32Array<ArrayBuffer> | null>;

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
  const open = options.engine === 'ecdh' ? openEcdh : parties.n === 2 ? openRr22 : openStar;
  const intersect = await open(parties, options, rng);
  let buckets = 0;
  return {
    intersect: (items) => {
      const bucket = buckets++;
      return intersect(items, (peer) => parties.channel(peer).fork(`bucket-${bucket}`));
    },
  };
}

async function openEcdh(
  { me, n }: Parties,
  options: IntersectionOptions,
  rng: Rng,
): Promise<Intersect> {
  if (n !== 2) throw new RangeError(`"engine" expected rr22 for ${n} parties, got ecdh`);
  const { leader, maxItems, runs, curve } = options;
  const run = me === leader ? ecdhPsiReceiver : ecdhPsiSender;
  const psi = { engine: curve(), maxItems, runs, resultTo: resultTo(options) };
  return async (items, forkOf) => inJointOrder(await run(forkOf(1 - me), items, psi, rng), items);
}

async function openRr22(
  parties: Parties,
  options: IntersectionOptions,
  rng: Rng,
): Promise<Intersect> {
  const { leader, maxItems, runs, forecast, budget, vole } = options;
  const peer = 1 - parties.me;
  const channel = parties.channel(peer);
  const source = { vole, budget, forecast };
  const psi = { maxItems, runs, resultTo: resultTo(options) };
  if (parties.me === leader) {
    const oprf = await Rr22Receiver.setup(channel, rng, source);
    return async (X, forkOf) => inJointOrder(await rr22PsiReceiver(forkOf(peer), oprf, X, psi), X);
  }
  const oprf = await Rr22Sender.setup(channel, rng, source);
  return async (Y, forkOf) => inJointOrder(await rr22PsiSender(forkOf(peer), oprf, Y, psi, rng), Y);
}

async function openStar(
  parties: Parties,
  options: IntersectionOptions,
  rng: Rng,
): Promise<Intersect> {
  const { leader, learners, runs, forecast, budget, vole } = options;
  const { me, n } = parties;
  const okvs = loadWasmOkvsKernel(budget);
  const keys = ZeroSharing.setup(parties, rng);
  const maxItems = Math.min(options.maxItems, MAX_EVALUATED);
  if (me !== leader) {
    const sender = Rr22Sender.setup(parties.channel(leader), rng, {
      ...{ vole, budget, okvs, forecast },
    });
    const [zero, oprf] = await Promise.all([keys, sender]);
    const star = { zero, maxItems, okvs, runs };
    const learns = learners.includes(me);
    return (Y, forkOf) => starSpoke({ ch: forkOf(leader), oprf, learns }, Y, star, rng);
  }
  const source = { vole: vole ?? frugalSilentVole(), budget, okvs, forecast };
  const peers = Array.from({ length: n }, (_, peer) => peer).filter((peer) => peer !== me);
  const receivers = peers.map((peer) => Rr22Receiver.setup(parties.channel(peer), rng, source));
  const [zero, ...oprfs] = await Promise.all([keys, ...receivers]);
  return (X, forkOf) => {
    let encoded: Rr22Items | undefined; // once for all spokes, if any has items
    const evaluate = (oprf: Rr22Receiver): Promise<Uint8Array> => {
      encoded ??= new Rr22Items(X, okvs, rng);
      return oprf.evaluate(encoded);
    };
    const spokes = peers.map((peer, i) => ({
      ch: forkOf(peer),
      oprf: { evaluate: () => evaluate(oprfs[i]!) },
      learns: learners.includes(peer),
    }));
    return starLeader(spokes, X, { zero, maxItems, okvs, runs });
  };
}

function resultTo({ learners }: IntersectionOptions): 'both' | 'receiver' {
  return learners.length === 2 ? 'both' : 'receiver';
}

function inJointOrder(
  rows: Uint32Array<ArrayBuffer> | undefined,
  items: Uint8Array,
): Uint32Array<ArrayBuffer> | null {
  return rows ? sortByItem(rows, items) : null;
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
