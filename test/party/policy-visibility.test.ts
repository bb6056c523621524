import { deepEqual, equal } from 'node:assert/strict';
import type { PolicyRule } from '../../src/party/policy-rule.ts';
import { seesAnyDataset, visibleColumns } from '../../src/party/policy-visibility.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

const RULE: PolicyRule = {
  peers: ['orgB', 'shop-*'],
  purposes: ['*'],
  algorithms: ['vertical/*'],
  datasets: ['credit/*.csv', 'dataset:loans'],
  columns: { key: ['id'], label: ['y'], feature: ['age', 'income_*'], deny: ['income_exact'] },
  receivers: [],
  model_release: [],
};

function columnsOf(path: string, peer = 'orgB', ...rules: readonly PolicyRule[]): string[] | null {
  const policy = { version: 1 as const, rules: rules.length > 0 ? [...rules] : [RULE] };
  const visible = visibleColumns(policy, peer, path, NOW);
  return visible && ['id', 'y', 'age', 'income_2', 'income_exact', 'other'].filter(visible);
}

describe('policy visibility', () => {
  it('shows the columns that a peer may use in some way', () => {
    deepEqual(columnsOf('credit/a.csv'), ['id', 'y', 'age', 'income_2']);
    deepEqual(columnsOf('dataset:loans', 'shop-1'), ['id', 'y', 'age', 'income_2']);
  });

  it('shows nothing of datasets and to peers that no rule names', () => {
    equal(columnsOf('credit/deep/a.csv'), null);
    equal(columnsOf('credit/../credit/a.csv'), null);
    equal(columnsOf('dataset:salaries'), null);
    equal(columnsOf('credit/a.csv', 'orgC'), null);
  });

  it('shows what a person would be asked about, and what is still valid', () => {
    const rule = { ...RULE, action: 'ask' as const, expires: '2026-03-01' };
    equal(columnsOf('credit/a.csv', 'orgB', rule)?.length, 4);
  });

  it('joins what several rules show, each with its own denials', () => {
    const other = { ...RULE, columns: { allow: ['income_exact', 'other'] } };
    deepEqual(columnsOf('credit/a.csv', 'orgB', RULE, other), [
      'id',
      'y',
      'age',
      'income_2',
      'income_exact',
      'other',
    ]);
  });

  it('counts no rule that can allow no task', () => {
    for (const gap of [
      { purposes: [] },
      { algorithms: [] },
      { datasets: [] },
      { columns: { deny: ['x'] } },
      { expires: '2026-02-28' },
      { tasks_per_day: 0 },
    ]) {
      const rule = { ...RULE, ...gap };
      equal(columnsOf('credit/a.csv', 'orgB', rule), null, JSON.stringify(gap));
      equal(seesAnyDataset({ version: 1, rules: [rule] }, 'orgB', NOW), false, JSON.stringify(gap));
    }
    const { datasets: _, ...without } = RULE;
    equal(columnsOf('credit/a.csv', 'orgB', without), null);
  });

  it('knows whether a peer sees anything at all', () => {
    const policy = { version: 1 as const, rules: [RULE] };
    equal(seesAnyDataset(policy, 'orgB', NOW), true);
    equal(seesAnyDataset(policy, 'orgC', NOW), false);
    equal(seesAnyDataset({ version: 1, rules: [] }, 'orgB', NOW), false);
  });
});
