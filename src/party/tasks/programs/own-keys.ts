/** This party's keys as a matching takes them: items, bucket by bucket, each key once. */
import { createHash } from 'node:crypto';
import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import { DuplicateKeyError, deduplicate } from '../../../protocols/psi/deduplicate.ts';
import {
  type BucketRecords,
  bucketCapacity,
  padItems,
  partitionKeys,
  RECORD_BYTES,
} from '../../../protocols/psi/item-buckets.ts';
import { itemHasher } from '../../../protocols/psi/item-digest.ts';
import type { TextColumn } from '../../../protocols/psi/text-column.ts';
import { DatasetError } from '../../datasets/dataset-error.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext } from '../program.ts';
import type { DataHolder } from './data-holders.ts';
import { noteGroups, type RecordGroups, recordGroups } from './record-groups.ts';

/** In place of a row: the item is padding. */
export const NO_ROW: number = 0xffff_ffff;

/** One bucket of a party's keys, ready to be matched. */
export interface KeyBucket {
  /** n x 16; distinct. */
  readonly items: Uint8Array<ArrayBuffer>;
  /** The first row of each item's key, `NO_ROW` for padding; n. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Keys among the items. */
  readonly keys: number;
}

export interface OwnKeys {
  /** Of the keys in the buckets read so far; null where every record has a key of its own. */
  readonly groups: RecordGroups | null;
  /** Throws `DatasetError` `duplicate_key`, which names the row, where the rule takes no repeated key. */
  read(bucket: number): Promise<KeyBucket>;
}

type KeyContext = Pick<ProgramContext, 'budget' | 'contract' | 'rng' | 'spill'>;

/**
 * Spreads the keys over buckets, in memory or on the disk. Of more than one each is padded to what the
 * contract's number of rows says, so that its size tells nothing of the keys.
 */
export async function openKeys(
  { budget, contract, rng, spill }: KeyContext,
  holder: DataHolder,
  { keys, rowCount }: LoadedDataset,
  { salt, buckets }: { readonly salt: Uint8Array; readonly buckets: number },
): Promise<OwnKeys> {
  const { duplicates } = contract.alignment;
  const place = buckets > 1 ? spill(rowCount * RECORD_BYTES) : null;
  const options = { buckets, budget, ...(place && { spill: place }) };
  const source = await partitionKeys(keys!, salt, options);
  const capacity = bucketCapacity(holder.dataset.rowCount, buckets);
  const groups = duplicates === 'reject' ? null : recordGroups(rowCount);
  return {
    groups,
    async read(bucket) {
      const records = await source.read(bucket);
      const { items, rows } = distinctKeys(records, groups, holder);
      if (buckets === 1) return { items, rows, keys: rows.length };
      const padded = new Uint32Array(capacity).fill(NO_ROW);
      const all = padItems(items, capacity, rng);
      padded.set(rows);
      return { items: all, rows: padded, keys: rows.length };
    },
  };
}

/** All keys in one piece. */
export function undividedKeys(
  { budget, contract }: KeyContext,
  holder: DataHolder,
  { keys, rowCount }: LoadedDataset,
  salt: Uint8Array,
): { readonly items: Uint8Array<ArrayBuffer>; readonly groups: RecordGroups | null } {
  const records = { items: itemHasher(salt, budget)(keys!), rows: rowNumbers(rowCount) };
  const groups = contract.alignment.duplicates === 'reject' ? null : recordGroups(rowCount);
  return { items: distinctKeys(records, groups, holder).items, groups };
}

/** SHA-256 of key columns: what a checkpoint is of. */
export function keysDigest(columns: readonly TextColumn[]): Uint8Array {
  const hash = createHash('sha256');
  for (const { bytes, starts } of columns) {
    hash.update(new Uint8Array(starts.buffer, starts.byteOffset, starts.byteLength)).update(bytes);
  }
  return hash.digest();
}

/** The first record of each key. */
function distinctKeys(
  records: BucketRecords,
  groups: RecordGroups | null,
  { dataset: { path, keyColumns } }: DataHolder,
): BucketRecords {
  try {
    const found = deduplicate(records.items, groups ? 'expand' : 'reject');
    if (groups && found.duplicates > 0) noteGroups(groups, found.groups!, records.rows);
    return { items: found.items, rows: found.rows.map((i) => records.rows[i]!) };
  } catch (error) {
    if (!(error instanceof DuplicateKeyError)) throw error;
    const row = records.rows[error.firstDuplicate.again]! + 1;
    const columns = `column${keyColumns!.length > 1 ? 's' : ''} ${keyColumns!.join(', ')}`;
    const where = `${path}: row ${row}, ${columns}`;
    throw new DatasetError('duplicate_key', `${where}: repeats the key of an earlier row`);
  }
}
