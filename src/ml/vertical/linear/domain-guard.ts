/**
 * The domain guard of the Fourier sigmoid: beyond P/2 - 8 the series is wrong, beyond P/2 its sign is.
 *
 * On a public schedule the link also returns shares of sum_i g(z_i), g(z) = sin^12(pi z / P): a smooth
 * bump that is 1 at |z| = P/2, .39 at 3P/8 and below 1e-4 for |z| < P/8. The sum, rounded to sixteenths,
 * is opened to both parties (declared as `domain_guard`). Logits grow from zero, so rows pass through the
 * bump before they leave the domain; then both parties go on with the next larger period.
 */
import { ProtocolError } from '../../../protocols/errors.ts';
import { open } from '../../../protocols/sharing/open.ts';
import { truncate } from '../../../protocols/sharing/truncate.ts';
import type { TrainingContext } from './context.ts';
import { ERROR_BITS } from './fixed-point.ts';
import { domainLimit, type LinkDomain, widerDomain } from './logistic-link.ts';

/** Steps that are taken at least after the domain grew, so that the wider series takes effect. */
const STEPS_AFTER_WIDENING = 8;

/** The guard is due at steps 1, 2, 4 and then every fourth: rows cross the bump in more than four. */
const PERIOD_STEPS = 4;

/** Standard deviation of one row's quantisation error in the sum, measured with 11-bit waves: below this. */
const ROW_NOISE = 7.5e-4;

/** Fraction bits of the opened sum. */
const EDGE_BITS = 4;

/** Keeps the public state of the series in use: which period, and until when to run. */
export class DomainGuard {
  /** The series to use now. */
  domain: LinkDomain;
  /** Number of steps that must have run before training may end. */
  runUntil = 0;
  readonly #context: TrainingContext;

  constructor(context: TrainingContext) {
    this.#context = context;
    this.domain = { loss: context.loss ?? 'logloss', level: 0 };
  }

  /** Whether step `t` (0 first) of `steps` checks the domain. Logits are zero at step 0. */
  isDue(t: number, steps: number): boolean {
    const early = t < PERIOD_STEPS && (t & (t - 1)) === 0;
    return t > 0 && (early || t % PERIOD_STEPS === 0 || t === steps - 1);
  }

  /**
   * Opens the rounded edge sum of step `t` and widens the domain when rows are near its edge.
   * Throws `ProtocolError` `OUT_OF_DOMAIN` when the largest period is in use already.
   */
  async inspect(edge: bigint, rows: number, t: number): Promise<void> {
    const { ot, channel, ledger, parties } = this.#context;
    const rounded = await truncate(ot, BigUint64Array.of(edge), ERROR_BITS - EDGE_BITS);
    const disclosure = { class: 'domain_guard', to: parties, elements: 1 };
    const [count] = await open(channel, ledger, disclosure, rounded);
    const nearEdge = Number(BigInt.asIntN(64, count!)) / 2 ** EDGE_BITS;
    if (nearEdge <= 0.5 + 4 * ROW_NOISE * Math.sqrt(rows)) return;
    const wider = widerDomain(this.domain);
    if (!wider) {
      throw new ProtocolError(
        'OUT_OF_DOMAIN',
        `logits exceed ${domainLimit(this.domain)}: raise l2 or lower learning_rate`,
      );
    }
    this.domain = wider;
    this.runUntil = t + 1 + STEPS_AFTER_WIDENING;
  }
}
