/**
 * Delivery of a trained model: metrics, and for `model_release: full` the weights, to the receivers.
 *
 * Functionality: label holder in: metrics; both in: shares of the released model, own columns' names
 *           and units; out at each receiver: model and metrics; at the others: nothing.
 * Security: semi-honest; shares are opened through `sharing/open.ts`, everything else that is sent is
 *           recorded in the ledger before.
 * Leaks:    what the classes `metrics`, `column_scales` and `weights` declare.
 * Cost:     one round; 8 (d + 1) bytes of shares, names and units.
 */
import { ReleasedColumns, ReleasedMetrics, ReleasedTarget } from '../../../../proto/gen/linear.ts';
import type { Channel } from '../../../protocols/channel.ts';
import type { DisclosureLedger } from '../../../protocols/disclosure.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { open, revealReceiver, revealSender } from '../../../protocols/sharing/open.ts';
import type { MetricName } from '../../metrics/evaluate.ts';
import type { ColumnName } from './design.ts';
import { fromFixed } from './fixed-point.ts';
import type { VerticalRole } from './link.ts';
import type { TrainedPart } from './train.ts';

const MAX_EXPONENT = 512;
const MAX_NAME_LENGTH = 1024;

/** One weight of a released model. */
export interface ReleasedWeight extends ColumnName {
  readonly party: string;
  /** In units of the raw column. */
  readonly weight: number;
}

/** What a receiver learns. */
export interface Publication {
  /** Null for `model_release: split`. */
  readonly model: {
    readonly features: readonly ReleasedWeight[];
    readonly intercept: number;
  } | null;
  /** The requested metrics, null where one cannot be computed. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface PublishOptions {
  readonly role: VerticalRole;
  readonly parties: readonly [labelHolder: string, featureHolder: string];
  /** Names of the receivers, both or one of the parties, in the contract's order. */
  readonly receivers: readonly string[];
  readonly metrics: readonly MetricName[];
  /** This party's columns, and the number of the other's. */
  readonly columns: readonly ColumnName[];
  readonly peerFeatures: number;
  readonly openBits: number;
  readonly ledger: DisclosureLedger;
}

/** Both parties call it; null at a party that is no receiver. */
export async function publish(
  ch: Channel,
  part: TrainedPart,
  options: PublishOptions,
): Promise<Publication | null> {
  const { role, parties, receivers } = options;
  const [me, peer] = role === 'label_holder' ? parties : [parties[1], parties[0]];
  const mine = receivers.includes(me);
  const theirs = receivers.includes(peer);
  if (!mine && !theirs) throw new RangeError('"receivers" expected one of the two parties');

  const metrics = await deliverMetrics(ch, part, options, { mine, theirs });
  if (!part.release) return mine ? { model: null, metrics: metrics! } : null;

  const d = options.columns.length + options.peerFeatures;
  const { exponents } = part.release;
  const own = options.columns.map((column, j) => ({ ...column, exponent: exponents[j]! }));
  const scales = encodeColumns(own);
  const unit = { exponent: part.target?.exponent ?? 0 };
  await options.ledger.record({
    class: 'column_scales',
    to: receivers,
    elements: d + 1,
    value: theirs ? scaleBytes(scales, role === 'label_holder' ? unit : null) : null,
  });
  if (theirs) await ch.send(ReleasedColumns, scales);
  if (theirs && role === 'label_holder') await ch.send(ReleasedTarget, unit);
  const other = mine ? decodeColumns(await ch.receive(ReleasedColumns), options.peerFeatures) : own;
  const target =
    mine && role === 'feature_holder'
      ? decodeExponent((await ch.receive(ReleasedTarget)).exponent)
      : (part.target?.exponent ?? 0);

  const disclosure = { class: 'weights', to: receivers, elements: d + 1 };
  const { shares } = part.release;
  if (!mine) {
    await revealSender(ch, options.ledger, disclosure, shares);
    return null;
  }
  const opened = theirs
    ? await open(ch, options.ledger, disclosure, shares)
    : await revealReceiver(ch, options.ledger, disclosure, shares);
  const [first, second] = role === 'label_holder' ? [own, other] : [other, own];
  const values = fromFixed(opened, options.openBits);
  const features = [
    ...released(parties[0], first, values, target),
    ...released(parties[1], second, values.subarray(first.length), target),
  ];
  return { model: { features, intercept: values[d]! * 2 ** target }, metrics: metrics! };
}

/** A column with its unit. */
interface Column extends ColumnName {
  readonly exponent: number;
}

function released(
  party: string,
  columns: readonly Column[],
  values: Float64Array,
  target: number,
): ReleasedWeight[] {
  return columns.map(({ exponent, ...column }, j) => ({
    party,
    ...column,
    weight: values[j]! * 2 ** (target - exponent),
  }));
}

/** The label holder's metrics, at the receivers. */
async function deliverMetrics(
  ch: Channel,
  part: TrainedPart,
  { role, receivers, metrics, ledger }: PublishOptions,
  { mine, theirs }: { readonly mine: boolean; readonly theirs: boolean },
): Promise<Readonly<Record<string, number | null>> | null> {
  const disclosure = { class: 'metrics', to: receivers, elements: metrics.length };
  if (role === 'label_holder') {
    const computed = part.evaluation!.metrics;
    const values = Float64Array.from(metrics, (name) => computed[name] ?? Number.NaN);
    const value = new Uint8Array(values.buffer);
    await ledger.record({ ...disclosure, value });
    if (theirs) await ch.send(ReleasedMetrics, { values: value });
    return mine ? named(metrics, values) : null;
  }
  await ledger.record({ ...disclosure, value: null });
  if (!mine) return null;
  const { values } = await ch.receive(ReleasedMetrics);
  if (values.length !== 8 * metrics.length) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected ${metrics.length} metrics`);
  }
  return named(metrics, new Float64Array(values.slice().buffer));
}

function named(
  names: readonly MetricName[],
  values: Float64Array,
): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    names.map((name, i) => [name, Number.isFinite(values[i]!) ? values[i]! : null]),
  );
}

/** What the other party is handed of units. */
function scaleBytes(scales: ReleasedColumns, target: ReleasedTarget | null): Uint8Array {
  const columns = ReleasedColumns.encode(scales).finish();
  return target ? Buffer.concat([columns, ReleasedTarget.encode(target).finish()]) : columns;
}

function encodeColumns(columns: readonly Column[]): ReleasedColumns {
  return {
    columns: columns.map(({ column, level, exponent }) => ({
      name: column,
      level,
      exponent,
    })),
  };
}

function decodeColumns({ columns }: ReleasedColumns, d: number): Column[] {
  if (columns.length !== d) throw new ProtocolError('MALFORMED_MESSAGE', `expected ${d} columns`);
  return columns.map(({ name, level, exponent }) => {
    if (name.length > MAX_NAME_LENGTH) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'a column name is too long');
    }
    const named = level === undefined ? { column: name } : { column: name, level };
    return { ...named, exponent: decodeExponent(exponent) };
  });
}

/** A unit that a peer sent. */
export function decodeExponent(exponent: number): number {
  if (!(Math.abs(exponent) <= MAX_EXPONENT)) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'a unit is out of range');
  }
  return exponent;
}
