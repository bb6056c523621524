/**
 * Lines of a receiver's file, with the messages that they need beyond the common keys: none but these,
 * and to receivers alone.
 *
 *   first     how many distinct keys the other party has, where lines show that it has others
 *   expand    how many records the other party has of each common key
 *   reject    nothing: every record has a key of its own, and the contract says how many there are
 */
import { ProtocolError } from '../../../protocols/errors.ts';
import { uint32Bytes } from '../../../protocols/primitives/words.ts';
import type { PsiContract } from '../../consensus/contract.ts';
import type { ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { type Join, type JoinLines, type JoinSide, joinLines } from './joins.ts';
import type { Matching } from './key-matching.ts';
import {
  exchangeMultiplicities,
  readCounts,
  receiveDistinctKeys,
  sendDistinctKeys,
} from './multiplicities.ts';
import type { RecordGroups } from './record-groups.ts';

/** What a receiver knows of the other party's records. */
interface OtherRecords {
  /** Of each common key, in the joint order; null: one stands for all. */
  readonly counts: Uint32Array | null;
  /** Those of keys that are not common, as far as a line shows them. */
  readonly only: number;
}

const NONE: OtherRecords = { counts: null, only: 0 };

/**
 * Null at a party that receives nothing. The lines of several receivers are in the joint order, those of
 * one in the order of its file.
 */
export async function receiverLines(
  context: ProgramContext<PsiContract>,
  matching: Matching,
): Promise<JoinLines | null> {
  const { contract } = context;
  const { join } = contract.parameters;
  const { holders, groups, common } = matching;
  const { own } = holders;
  const side = holders.me === 0 ? 'left' : 'right';
  if (holders.others.length > 1 && join !== 'inner') {
    throw new TaskError('NOT_AVAILABLE', 'joins other than inner are for two data holders');
  }
  const other = holders.others.length > 1 ? NONE : await otherRecords(context, matching, side);
  if (!common) return null;
  if (other.only < 0) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'more keys are common than the other party has');
  }
  const { rows, theirs } =
    contract.receivers.length === 1
      ? inFileOrder(common.rows, other.counts, own.dataset.rowCount)
      : { rows: common.rows, theirs: other.counts };
  return joinLines({
    join,
    side,
    tableRows: own.dataset.rowCount,
    groups,
    common: rows,
    theirs,
    onlyTheirs: other.only,
    countsAll: contract.alignment.duplicates === 'expand',
  });
}

async function otherRecords(
  context: ProgramContext<PsiContract>,
  { holders, groups, common }: Matching,
  side: JoinSide,
): Promise<OtherRecords> {
  const { contract, ledger } = context;
  const { alignment, parameters, receivers } = contract;
  const { join } = parameters;
  const { name, dataset } = holders.others[0]!;
  const channel = context.link(name).channel.fork('join');
  const tableRows = dataset.rowCount;
  switch (alignment.duplicates) {
    case 'reject':
      return { counts: null, only: tableRows - (common?.rows.length ?? 0) };
    case 'first': {
      const otherSide = side === 'left' ? 'right' : 'left';
      if (receivers.includes(name) && showsOther(join, otherSide)) {
        await sendDistinctKeys(channel, distinctKeys(groups!));
      }
      if (!common || !showsOther(join, side)) return NONE;
      const found = common.rows.length;
      return {
        counts: null,
        only: (await receiveDistinctKeys(channel, found, tableRows)) - found,
      };
    }
    case 'expand': {
      if (!common || join === 'difference') return NONE;
      if (receivers.length === 1) {
        return counted(readCounts(common.labels, common.rows.length, tableRows), tableRows);
      }
      const own = common.rows.map((row) => groups!.sizes[row]!);
      const disclosure = { class: 'multiplicities', to: receivers, elements: own.length };
      await ledger.record({ ...disclosure, value: uint32Bytes(own) });
      return counted(await exchangeMultiplicities(channel, own, tableRows), tableRows);
    }
  }
}

/** Whether a party's file has lines of records that the other one alone has. */
function showsOther(join: Join, side: JoinSide): boolean {
  return join === 'full' || join === (side === 'left' ? 'right' : 'left');
}

function counted(counts: Uint32Array, tableRows: number): OtherRecords {
  return { counts, only: tableRows - counts.reduce((sum, count) => sum + count, 0) };
}

function distinctKeys({ sizes }: RecordGroups): number {
  return sizes.reduce((keys, size) => keys + Number(size > 0), 0);
}

/** Common keys, and what goes with each, in the order of their first rows. */
function inFileOrder(
  rows: Uint32Array,
  theirs: Uint32Array | null,
  tableRows: number,
): { readonly rows: Uint32Array; readonly theirs: Uint32Array | null } {
  const sorted = rows.slice().sort();
  if (!theirs) return { rows: sorted, theirs };
  const of = new Uint32Array(tableRows);
  rows.forEach((row, k) => {
    of[row] = theirs[k]!;
  });
  return { rows: sorted, theirs: sorted.map((row) => of[row]!) };
}
