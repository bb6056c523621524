/** One matching's session with the other data holders: bucket after bucket, with labels or without. */
import type { Parties, PartyIndex } from '../../../protocols/channel.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { gatherRows } from '../../../protocols/primitives/rows.ts';
import type { Forecast } from '../../../protocols/psi/advance.ts';
import { openIntersection } from '../../../protocols/psi/intersection.ts';
import { sortByItem } from '../../../protocols/psi/joint-order.ts';
import { labelledPsiReceiver, labelledPsiSender } from '../../../protocols/psi/labelled-psi.ts';
import type { Payload } from '../../../protocols/psi/payload-records.ts';
import { Rr22Receiver, Rr22Sender } from '../../../protocols/psi/rr22-oprf.ts';
import type { VoleSource } from '../../../protocols/vole/vole.ts';
import type { ProgramContext } from '../program.ts';
import type { CommonKeys } from './matching-checkpoint.ts';
import { NO_ROW } from './own-keys.ts';

/** What one of two parties, the provider, says of each common key to the other one, who learns first. */
export interface LabelTerms {
  /** What this party says of a key, by its first row and of `NO_ROW`; null at the one who is told. */
  readonly own: (() => Payload) | null;
  /** Longest label that is agreed on. */
  readonly maxBytes: number;
}

export interface BucketSessionOptions {
  /** Largest bucket that any party may bring. */
  readonly maxItems: number;
  /** Buckets of the whole matching, of this attempt or others. */
  readonly buckets: number;
  /** Learns first. */
  readonly leader: PartyIndex;
  readonly learners: readonly PartyIndex[];
  /** What the leader is going to bring, as all parties know it. */
  readonly forecast?: Forecast | undefined;
  readonly labels?: LabelTerms | undefined;
  readonly vole?: VoleSource | undefined;
}

export interface BucketSession {
  /**
   * The common keys of a bucket, in the joint order; null for a party that does not learn.
   *
   * @param items - n x 16, padding among them.
   * @param keyRows - The first row of each item's key, or `NO_ROW`; n.
   */
  intersect(items: Uint8Array, keyRows: Uint32Array): Promise<CommonKeys | null>;
}

/** Opens a session over the parties' channels, which are for it alone. */
export async function openBucketSession(
  context: ProgramContext,
  parties: Parties,
  options: BucketSessionOptions,
): Promise<BucketSession> {
  const { labels } = options;
  if (!labels) return plainSession(context, parties, options);
  return labels.own
    ? labellingSession(context, parties, options, labels.own)
    : labelledSession(context, parties, options);
}

async function plainSession(
  context: ProgramContext,
  parties: Parties,
  options: BucketSessionOptions,
): Promise<BucketSession> {
  const { contract, rng } = context;
  const { engine } = contract.alignment;
  const { maxItems, buckets, leader, learners } = options;
  const agreed = { engine, maxItems, runs: buckets, leader, learners };
  const own = { curve: () => context.curve(), ...oprfOptions(context, options) };
  const session = await openIntersection(parties, { ...agreed, ...own }, rng);
  return {
    async intersect(items, keyRows) {
      const rows = await session.intersect(items);
      return rows && unlabelled(rows, keyRows);
    },
  };
}

/** Of the party that is told. */
async function labelledSession(
  context: ProgramContext,
  parties: Parties,
  options: BucketSessionOptions,
): Promise<BucketSession> {
  const channel = parties.channel(1 - parties.me);
  const oprf = await Rr22Receiver.setup(channel, context.rng, oprfOptions(context, options));
  const terms = labelledTerms(options);
  let bucket = 0;
  return {
    async intersect(items, keyRows) {
      const ch = channel.fork(`bucket-${bucket++}`);
      const { rows, records, recordBytes } = await labelledPsiReceiver(ch, oprf, items, terms);
      const place = new Uint32Array(keyRows.length); // of each row among the records
      rows.forEach((row, k) => {
        place[row] = k;
      });
      const order = sortByItem(rows.slice(), items);
      const labels = gatherRows(
        records,
        recordBytes,
        order.map((row) => place[row]!),
      );
      return { rows: rowsOf(order, keyRows), labels, labelBytes: recordBytes };
    },
  };
}

/** Of the party that tells. */
async function labellingSession(
  context: ProgramContext,
  parties: Parties,
  options: BucketSessionOptions,
  own: () => Payload,
): Promise<BucketSession> {
  const channel = parties.channel(1 - parties.me);
  const oprf = await Rr22Sender.setup(channel, context.rng, oprfOptions(context, options));
  const terms = labelledTerms(options);
  let bucket = 0;
  return {
    async intersect(items, keyRows) {
      const ch = channel.fork(`bucket-${bucket++}`);
      const { recordBytes, records } = own();
      const payload: Payload = {
        recordBytes,
        records: (of) => records(of.map((item) => keyRows[item]!)),
      };
      const rows = await labelledPsiSender(ch, oprf, items, payload, terms, context.rng);
      return rows ? unlabelled(sortByItem(rows, items), keyRows) : null;
    },
  };
}

function oprfOptions({ budget }: ProgramContext, { forecast, vole }: BucketSessionOptions) {
  return { budget, forecast, ...(vole && { vole }) };
}

function labelledTerms({ maxItems, buckets, learners, labels }: BucketSessionOptions) {
  const resultTo = learners.length > 1 ? 'both' : 'receiver';
  const terms = { maxItems, runs: buckets, resultTo } as const;
  return { ...terms, maxRecordBytes: labels!.maxBytes };
}

function unlabelled(found: Uint32Array<ArrayBuffer>, keyRows: Uint32Array): CommonKeys {
  return { rows: rowsOf(found, keyRows), labels: new Uint8Array(0), labelBytes: 0 };
}

/** The rows of the items found. Throws `MALFORMED_MESSAGE` where the peer makes padding match. */
function rowsOf(found: Uint32Array<ArrayBuffer>, keyRows: Uint32Array): Uint32Array<ArrayBuffer> {
  return found.map((item) => {
    const row = keyRows[item]!;
    if (row === NO_ROW) throw new ProtocolError('MALFORMED_MESSAGE', 'an item of padding matched');
    return row;
  });
}
