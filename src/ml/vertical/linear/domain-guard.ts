/**
 * The domain guard of the Fourier sigmoid: beyond P/2 - 8 the series is wrong, beyond P/2 its sign is.
 *
 * On a public schedule the link also returns shares of sum_i g(z_i), g the smooth step of `guardSeries`: .02 at
 * |z| = .22 P, and above 1/2 from .41 P to 1.59 P. The sum, rounded to sixteenths, is opened to both
 * parties (declared as `domain_guard`). A row that leaves the domain, even in a jump over its edge, is counted
 * as long as it is below 1.59 P; then both parties go on with the next larger period. What the guard cannot see:
 * fewer rows than its own noise, 4 ROW_NOISE sqrt(n): one row of 20 000, three of a million.
 */
import { ProtocolError } from '../../../protocols/errors.ts';
import { open } from '../../../protocols/sharing/open.ts';
import { truncate } from '../../../protocols/sharing/truncate.ts';
import { FOURIER_SIZES } from '../../linear/fourier-link.ts';
import type { TrainingContext } from './context.ts';
import { ERROR_BITS } from './fixed-point.ts';
import { domainLimit, type LinkDomain, widerDomain } from './logistic-link.ts';

/** Steps that are taken at least after the domain grew, so that the wider series takes effect. */
const STEPS_AFTER_WIDENING = 8;

/**
 * The guard is due at steps 2, 4, 8, 12, 16, at every eighth, and at the last. Logits grow fastest in the first
 * steps, and must not grow fourfold in between; a wider series also needs the steps that are left to set right
 * what the narrow one did. How often a sparser schedule comes out wrong is in `src/ml/README.md`.
 */
const FIRST_STEP = 2;
const DENSE_STEPS = 4;
const DENSE_UNTIL = 16;
const PERIOD_STEPS = 8;

/** A sum is opened over at least this many rows: one over a few would say how near each of them is. */
export const FEWEST_ROWS_OPENED = 64;

/**
 * Bound on the standard deviation of one row's quantisation error in the sum. The label holder's multipliers are
 * rounded at random, with a variance of at most 1/4 unit each: sqrt(10) / 2 units of 2^-11 for 10 harmonics. The
 * feature holder's waves are rounded to nearest, which adds .07 units.
 */
const ROW_NOISE = 8e-4;

/** Fraction bits of the opened sum. */
const EDGE_BITS = 4;

/** Upper bound on the sums that a training of `steps` steps opens, whatever its logits do. */
export function mostGuardOpenings(steps: number): number {
  const widenings = FOURIER_SIZES.length - 1;
  const last = steps + widenings * STEPS_AFTER_WIDENING - 1;
  const first = last >= FIRST_STEP ? 1 : 0;
  const dense = Math.floor(Math.min(last, DENSE_UNTIL) / DENSE_STEPS);
  const sparse = Math.floor(Math.max(0, last - DENSE_UNTIL) / PERIOD_STEPS);
  return first + dense + sparse + 1 + widenings; // each widening makes another step the last one
}

/** What a guard carries from step to step. Public but for the pending edge. */
export interface GuardState {
  /** The series in use: an index into `FOURIER_SIZES`. */
  readonly level: number;
  /** Number of steps that must have run before training may end. */
  readonly runUntil: number;
  /** Share of the sum over rows that are too few to open yet. */
  readonly pending: { readonly edge: bigint; readonly rows: number };
}

/** The state in which a training begins. */
const FIRST_GUARD_STATE: GuardState = {
  level: 0,
  runUntil: 0,
  pending: { edge: 0n, rows: 0 },
};

/** Keeps the public state of the series in use: which period, and until when to run. */
export class DomainGuard {
  /** The series to use now. */
  domain: LinkDomain;
  /** Number of steps that must have run before training may end. */
  runUntil: number;
  readonly #context: TrainingContext;
  #pending: GuardState['pending'];

  constructor(context: TrainingContext, state: GuardState = FIRST_GUARD_STATE) {
    this.#context = context;
    this.domain = { loss: context.loss ?? 'logloss', level: state.level };
    this.runUntil = state.runUntil;
    this.#pending = state.pending;
  }

  /** To go on from, after the present step. */
  get state(): GuardState {
    return { level: this.domain.level, runUntil: this.runUntil, pending: this.#pending };
  }

  /** Whether step `t` (0 first) of `steps` checks the domain. Logits are zero at step 0. */
  isDue(t: number, steps: number): boolean {
    const period = t <= DENSE_UNTIL ? DENSE_STEPS : PERIOD_STEPS;
    return t > 0 && (t === FIRST_STEP || t % period === 0 || t === steps - 1);
  }

  /**
   * Opens the rounded edge sum of step `t` and widens the domain when rows are near its edge. The rows of small
   * batches are gathered over several checks first. Throws `ProtocolError` `OUT_OF_DOMAIN` when the largest period
   * is in use already.
   */
  async inspect(edge: bigint, rows: number, t: number): Promise<void> {
    const gathered = { edge: this.#pending.edge + edge, rows: this.#pending.rows + rows };
    this.#pending = gathered;
    if (gathered.rows < FEWEST_ROWS_OPENED) return;
    this.#pending = { edge: 0n, rows: 0 };
    const { ot, channel, ledger, parties } = this.#context;
    const rounded = await truncate(ot, BigUint64Array.of(gathered.edge), ERROR_BITS - EDGE_BITS);
    const disclosure = { class: 'domain_guard', to: parties, elements: 1 };
    const [count] = await open(channel, ledger, disclosure, rounded);
    const nearEdge = Number(BigInt.asIntN(64, count!)) / 2 ** EDGE_BITS;
    if (nearEdge <= 0.5 + 4 * ROW_NOISE * Math.sqrt(gathered.rows)) return;
    const wider = widerDomain(this.domain);
    if (!wider) {
      throw new ProtocolError(
        'OUT_OF_DOMAIN',
        `logits reach ${domainLimit(this.domain)}: look for outliers, raise l2 or lower learning_rate`,
      );
    }
    this.domain = wider;
    this.runUntil = t + 1 + STEPS_AFTER_WIDENING;
  }
}
