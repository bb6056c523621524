import { deepEqual, ok } from 'node:assert/strict';
import { columnImportance } from '../../../src/party/models/importance.ts';
import { loadXgboostVectors } from '../../support/xgboost-vectors.ts';
import { COLUMNS, type ForestName, sampleForest } from './sample-forest.ts';

/** By kind and feature, as `get_score` of XGBoost tells it of the released files. */
type Scores = Readonly<Record<string, Readonly<Record<string, number>>>>;

const { forests } = loadXgboostVectors<{
  readonly forests: Readonly<Record<ForestName, { readonly importance: Scores }>>;
}>('released');

describe('column importance', () => {
  it('is what XGBoost counts', () => {
    for (const name of ['binary', 'numbers', 'classes'] as const) {
      const found = columnImportance(sampleForest(name).document);
      const { importance } = forests[name];
      deepEqual(found.map(({ feature }) => feature).sort(), Object.keys(importance.gain!).sort());
      for (const each of found) {
        for (const kind of ['weight', 'gain', 'cover', 'total_gain', 'total_cover'] as const) {
          const theirs = importance[kind]![each.feature]!;
          ok(Math.abs(each[kind] - theirs) <= 1e-5 * theirs, `${name}: ${kind} of ${each.feature}`);
        }
        ok(
          COLUMNS.some(
            ({ party, column, level }) =>
              party === each.party && column === each.column && level === each.level,
          ),
        );
      }
      ok(
        found.every(({ gain }, i) => i === 0 || gain <= found[i - 1]!.gain),
        'largest first',
      );
    }
  });
});
