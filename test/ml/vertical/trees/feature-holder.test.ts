import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { BucketShape } from '../../../../proto/gen/aggregation.ts';
import { MaskedBits } from '../../../../proto/gen/ot.ts';
import { KeptSplits, SplitNodes, WinningCandidates } from '../../../../proto/gen/trees.ts';
import { ROW_VARIANCE } from '../../../../src/protocols/aggregation/parameters.ts';
import type { Channel, MessageType } from '../../../../src/protocols/channel.ts';
import { boostInMemory, boostingTable, TREE_DEFAULTS } from '../../../support/boosting-run.ts';
import { tamper } from '../../../support/tamper.ts';

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

describe('a feature holder', () => {
  const table = boostingTable(120, { widths: [1, 2], values: 6 });

  /** Trains against a party whose messages of one type are changed. */
  function against<M>(party: 0 | 1, type: MessageType<M>, message: M): Promise<unknown> {
    const wrap = (channel: Channel, of: number): Channel =>
      of === party ? tamper(channel, type, () => message) : channel;
    return boostInMemory(table, { ...TREE_DEFAULTS, num_trees: 1 }, { wrap });
  }

  const isMalformed = (error: Error & { code?: string }): boolean => {
    equal(error.code, 'MALFORMED_MESSAGE', error.message);
    return true;
  };

  for (const [name, nodes] of Object.entries({
    'a node that is not there': words(1),
    'more nodes than there are': words(0, 1),
    'half a number': new Uint8Array(2),
  })) {
    it(`refuses to split ${name}`, async () => {
      await rejects(against(0, SplitNodes, { nodes }), isMalformed);
    });
  }

  it('refuses nodes that are not ascending', async () => {
    for (const pair of [words(1, 0), words(1, 1)]) {
      const wrap = (channel: Channel, of: number): Channel =>
        of === 0
          ? tamper(channel, SplitNodes, ({ nodes }) => ({
              nodes: nodes.length === 8 ? pair : nodes,
            }))
          : channel;
      await rejects(boostInMemory(table, TREE_DEFAULTS, { wrap }), isMalformed);
    }
  });

  it('opens nothing without noise as wide as the errors in it, times the multiplier', async () => {
    const variances: number[] = [];
    const parameters = { ...TREE_DEFAULTS, num_trees: 1, max_depth: 2, noise_multiplier: 3 };
    const { guest } = await boostInMemory(table, parameters, {
      sampler: (given, denominator) => {
        for (const each of given) variances.push(each / denominator / (9 * ROW_VARIANCE));
        return new Int32Array(given.length);
      },
    });
    ok(guest.rounds[0]![0]!.length >= 5, 'a root and two nodes were opened');
    const { values, columns, rows } = table.blocks[1]!;
    const ofColumns = [0, 1].map((j) => {
      const column = Array.from({ length: rows }, (_, i) => values[i * columns + j]!);
      const found = [...new Set(column)].sort((x, y) => x - y);
      return {
        bins: found.map((value) => column.filter((each) => each === value).length),
        sums: found.slice(1).map((cut) => column.filter((each) => each < cut).length),
      };
    });
    // Both vectors of the root and of the child that is computed; nothing of its sibling.
    const once = [
      ...ofColumns.flatMap(({ bins }) => bins),
      ...ofColumns.flatMap(({ sums }) => sums),
    ];
    const expected = [1, 2, 3, 4].flatMap(() => once);
    const ascending = (all: number[]): number[] => all.sort((x, y) => x - y);
    deepEqual(ascending(variances), ascending(expected));
  });

  it('refuses winners that are none', async () => {
    await rejects(against(0, WinningCandidates, { winners: words(12) }), isMalformed);
    const empty = boostingTable(30, { widths: [1, 1], values: 4 });
    empty.blocks[1]!.values.fill(1);
    const wrap = (channel: Channel, of: number): Channel =>
      of === 0 ? tamper(channel, WinningCandidates, () => ({ winners: words(1) })) : channel;
    await rejects(boostInMemory(empty, TREE_DEFAULTS, { wrap }), isMalformed);
  });

  it('refuses another number of splits at the end', async () => {
    await rejects(against(0, KeptSplits, { kept: new Uint8Array(5), rounds: 1 }), isMalformed);
  });

  it('refuses rounds that were not grown, and fewer than its splits are of', async () => {
    for (const rounds of [0, 2]) {
      const wrap = (channel: Channel, of: number): Channel =>
        of === 0 ? tamper(channel, KeptSplits, (message) => ({ ...message, rounds })) : channel;
      const parameters = { ...TREE_DEFAULTS, num_trees: 1 };
      await rejects(boostInMemory(table, parameters, { wrap }), isMalformed, `${rounds}`);
    }
  });

  it('cannot be one that offers no candidates, or too many, or sides of other rows', async () => {
    await rejects(against(1, BucketShape, { buckets: 0 }), isMalformed);
    await rejects(against(1, BucketShape, { buckets: 2 ** 16 + 1 }), isMalformed);
    await rejects(against(1, MaskedBits, { y: new Uint8Array(3) }), isMalformed);
  });
});
