/** A round of boosting at the label holder, which has the protocol's statement in `label-holder.ts`. */
import type { OwnerArrangement } from '../../../protocols/aggregation/bucket-sums.ts';
import { seededGenerator } from '../../data/random.ts';
import { sampleColumns, sampleRows } from '../../trees/gradient-boosting.ts';
import { gradients } from '../../trees/objective.ts';
import type { LabelHolderRound } from './checkpoint.ts';
import { type OpenNode, plant } from './growth.ts';
import { inOrder } from './joint-tree.ts';
import { growLevel, type LabelHolderRun, type Level } from './level.ts';

/** Grows a tree a class, all of them level by level. */
export async function growRound(
  run: LabelHolderRun,
  arrangement: OwnerArrangement,
  state: LabelHolderRound,
): Promise<LabelHolderRound> {
  const splits = { rules: [...state.rules], told: [...state.told] };
  const roots = plantRound(run, state);
  const leaves: OpenNode[] = [];
  let level: Level | null = { depth: 0, nodes: roots, parents: null };
  while (level) {
    const grown = await growLevel(run, arrangement, level, splits);
    leaves.push(...grown.leaves);
    level = grown.next;
  }
  const trees = roots.map(({ tree }) => inOrder(tree.nodes));
  const rounds = [...state.rounds, trees];
  const margins = addLeaves(state.margins, leaves);
  return { ...state, step: state.step + 1, rounds, ...splits, margins };
}

/** The roots of a round's trees: gradients at the margins so far, on the rows and columns that are drawn. */
function plantRound(run: LabelHolderRun, { step, margins }: LabelHolderRound): OpenNode[] {
  const { parameters, data, labels, trained } = run;
  const next = seededGenerator(run.seed + 1 + step);
  const rows = sampleRows(trained, parameters.subsample, next);
  const others = rowsWithout(rows, data.rows);
  const trainedMargins = margins.map((each) => each.subarray(0, trained));
  const derivatives = gradients(parameters, trainedMargins, labels.subarray(0, trained));
  return derivatives.map((each, k) => {
    const columns = sampleColumns(data.columns.length, parameters, next);
    const number = step * parameters.numClass + k;
    return plant({ number, class: k }, each, data, { rows, others }, columns, parameters);
  });
}

/** The rows below n that are not among those given, ascending. */
function rowsWithout(rows: Uint32Array, n: number): Uint32Array {
  const taken = new Uint8Array(n);
  for (let k = 0; k < rows.length; k++) taken[rows[k]!] = 1;
  const others = new Uint32Array(n - rows.length);
  for (let row = 0, at = 0; row < n; row++) if (taken[row] === 0) others[at++] = row;
  return others;
}

/** Margins with the weights of the leaves that every row came to. */
function addLeaves(margins: readonly Float64Array[], leaves: readonly OpenNode[]): Float64Array[] {
  const added = margins.map((each) => each.slice());
  for (const { tree, id, rows, others } of leaves) {
    const { weight } = tree.nodes[id]!;
    for (const some of [rows, others]) addTo(added[tree.class]!, some, weight);
  }
  return added;
}

function addTo(margins: Float64Array, rows: Uint32Array, weight: number): void {
  for (let k = 0; k < rows.length; k++) margins[rows[k]!]! += weight;
}
