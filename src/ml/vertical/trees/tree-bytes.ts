/** Trees and splits as bytes: what is sent of them, and what parts of models and checkpoints keep. */
import { ReleasedTree } from '../../../../proto/gen/trees.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { bytesOf, decodeDoubles, decodeUint32 } from '../../../protocols/primitives/words.ts';
import type { JointNode, JointTree, SplitRule } from './joint-tree.ts';
import { innerNodes, type TreeParameters, treesOf } from './parameters.ts';

/** The tree's nodes, one array a field. */
export function encodeTree(tree: JointTree): ReleasedTree {
  const words = (of: (node: JointNode) => number): Uint8Array =>
    bytesOf(Uint32Array.from(tree, of));
  const doubles = (of: (node: JointNode) => number): Uint8Array =>
    bytesOf(Float64Array.from(tree, of));
  return {
    owners: words(({ split }) => (split ? split.owner + 1 : 0)),
    splits: words(({ split }) => split?.rule ?? 0),
    children: words(({ split }) => split?.left ?? 0),
    weights: doubles(({ weight }) => weight),
    covers: doubles(({ cover }) => cover),
    gains: doubles(({ split }) => split?.gain ?? 0),
  };
}

/**
 * A tree by level: nodes that are split have the next two nodes that no other has. Throws `MALFORMED_MESSAGE`.
 *
 * @param most - nodes.
 */
export function decodeTree(message: ReleasedTree, most: number, owners: number): JointTree {
  const n = message.owners.length / 4;
  if (!Number.isInteger(n) || n < 1 || n > most) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected up to ${most} nodes of a tree`);
  }
  const [owner, rule, children] = [message.owners, message.splits, message.children].map((each) =>
    decodeUint32(each, n),
  );
  const [weights, covers, gains] = [message.weights, message.covers, message.gains].map((each) =>
    decodeDoubles(each, n),
  );
  let next = 1;
  const tree = Array.from(weights!, (weight, node): JointNode => {
    const [cover, gain] = [covers![node]!, gains![node]!];
    if (![weight, cover, gain].every(Number.isFinite)) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'a number of a tree is not finite');
    }
    if (owner![node] === 0) return { split: null, weight, cover };
    const left = children![node]!;
    if (owner![node]! > owners || left !== next || next <= node) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'a tree has another shape');
    }
    next += 2;
    const split = { owner: owner![node]! - 1, rule: rule![node]!, left, right: left + 1, gain };
    return { split, weight, cover };
  });
  if (next !== n) throw new ProtocolError('MALFORMED_MESSAGE', 'a tree has another shape');
  return tree;
}

/** How many splits an owner has: their numbers, each once, are those below. Throws `MALFORMED_MESSAGE` otherwise. */
export function countRules(rounds: readonly (readonly JointTree[])[], owner: number): number {
  const rules = rounds
    .flat(2)
    .flatMap(({ split }) => (split?.owner === owner ? [split.rule] : []))
    .sort((a, b) => a - b);
  if (rules.some((rule, i) => rule !== i)) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'splits are not numbered from 0 on');
  }
  return rules.length;
}

/** feature u32 | tree u32 | threshold f32 | depth u8 | default_left u8. */
const RULE_BYTES = 14;

/** One party's splits: 14 bytes each, little-endian. */
export function encodeRules(rules: readonly SplitRule[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RULE_BYTES * rules.length);
  const view = new DataView(bytes.buffer);
  rules.forEach(({ feature, threshold, defaultLeft, tree, depth }, i) => {
    const at = RULE_BYTES * i;
    view.setUint32(at, feature, true);
    view.setUint32(at + 4, tree, true);
    view.setFloat32(at + 8, threshold, true);
    view.setUint8(at + 12, depth);
    view.setUint8(at + 13, Number(defaultLeft));
  });
  return bytes;
}

/**
 * The inverse of `encodeRules`. Throws `MALFORMED_MESSAGE`.
 *
 * @param rounds - how many the model has.
 * @param columns - how many the party has.
 */
export function decodeRules(
  bytes: Uint8Array,
  parameters: TreeParameters,
  rounds: number,
  columns: number,
): SplitRule[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trees = rounds * parameters.num_class;
  const count = bytes.length / RULE_BYTES;
  if (!Number.isInteger(count) || count > trees * innerNodes(parameters)) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'splits are too many, or not whole');
  }
  return Array.from({ length: count }, (_, i): SplitRule => {
    const at = RULE_BYTES * i;
    const [feature, tree] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const threshold = view.getFloat32(at + 8, true);
    const [depth, direction] = [view.getUint8(at + 12), view.getUint8(at + 13)];
    const isPlaced = tree < trees && depth < parameters.max_depth;
    if (!isPlaced || feature >= columns || !Number.isFinite(threshold) || direction > 1) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'a split is of no column or no tree');
    }
    return { feature, threshold, defaultLeft: direction === 1, tree, depth };
  });
}

/** By round, one tree a class: of each tree its length in bytes, u32, then `ReleasedTree`. */
export function encodeRounds(rounds: readonly (readonly JointTree[])[]): Uint8Array<ArrayBuffer> {
  const pieces = rounds.flat().flatMap((tree) => {
    const bytes = ReleasedTree.encode(encodeTree(tree)).finish();
    return [new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes];
  });
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/**
 * The inverse of `encodeRounds`. Throws `MALFORMED_MESSAGE`.
 *
 * @param owners - how many parties may own a split.
 */
export function decodeRounds(
  bytes: Uint8Array,
  parameters: TreeParameters,
  owners: number,
): JointTree[][] {
  const { num_class } = parameters;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trees: JointTree[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Infinity;
    if (end > bytes.length || trees.length === treesOf(parameters)) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'trees are too many, or not whole');
    }
    const message = ReleasedTree.decode(bytes.subarray(at + 4, end));
    trees.push(decodeTree(message, 2 * innerNodes(parameters) + 1, owners));
    at = end;
  }
  if (trees.length % num_class !== 0) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'a round has not a tree of every class');
  }
  return Array.from({ length: trees.length / num_class }, (_, round) =>
    trees.slice(round * num_class, (round + 1) * num_class),
  );
}
