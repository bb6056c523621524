import { deepEqual, equal } from 'node:assert/strict';
import { decide } from '../../src/party/policy.ts';
import type { Situation } from '../../src/party/policy-limits.ts';
import type { DatasetUse, PolicyRequest } from '../../src/party/policy-request.ts';
import type { Policy, PolicyRule } from '../../src/party/policy-rule.ts';
import { NOW } from '../support/contracts.ts';

const RULE: PolicyRule = {
  peers: ['orgB', 'auditor'],
  purposes: ['credit risk*'],
  algorithms: ['vertical/logistic_regression'],
  datasets: ['credit/*.csv'],
  columns: {
    key: ['id'],
    label: ['y'],
    feature: ['age', 'income_*'],
    allow: ['region'],
    deny: ['income_exact'],
  },
  receivers: ['orgB'],
  model_release: ['full'],
};

const USE: DatasetUse = {
  path: 'credit/train.csv',
  keys: ['id'],
  label: 'y',
  features: ['age', 'income_2024', 'region'],
};

const REQUEST: PolicyRequest = {
  peers: ['orgB'],
  purpose: 'credit risk 2026',
  algorithm: 'vertical/logistic_regression',
  dataset: USE,
  receivers: ['orgB'],
  modelRelease: 'full',
  terms: null,
};

const SITUATION: Situation = { now: NOW, usage: null };

const policy = (...rules: readonly PolicyRule[]): Policy => ({ version: 1, rules: [...rules] });

/** What the one-rule policy says to the sample request with some of it changed. */
function verdict(changes: Partial<PolicyRequest>, rule: PolicyRule = RULE): string {
  const decision = decide(policy(rule), { ...REQUEST, ...changes }, SITUATION);
  return decision.allow ? 'allow' : `${decision.reason} ${decision.subject}`;
}

const using = (changes: Partial<DatasetUse>): string =>
  verdict({ dataset: { ...USE, ...changes } });

describe('policy', () => {
  it('knows a registered dataset by its name alone', () => {
    const at = (path: string, datasets: string[]): string =>
      verdict({ dataset: { ...USE, path } }, { ...RULE, datasets });
    equal(at('dataset:loans', ['dataset:loans']), 'allow');
    equal(at('dataset:loans', ['dataset:*']), 'allow');
    equal(at('dataset:loans', ['*', '**', '*loans']), 'dataset dataset:loans');
    equal(at('dataset:a/../loans', ['dataset:**']), 'dataset dataset:a/../loans');
    equal(at('loans', ['dataset:*']), 'dataset loans');
  });

  it('allows what one rule allows entirely', () => {
    equal(verdict({}), 'allow');
    equal(verdict({ peers: ['orgB', 'auditor'] }), 'allow');
    equal(verdict({ receivers: [] }), 'allow');
  });

  it('denies by default', () => {
    deepEqual(decide(policy(), REQUEST, SITUATION), {
      allow: false,
      rule: null,
      reason: 'no_rules',
      subject: '',
    });
    const empty: PolicyRule = {
      peers: [],
      purposes: [],
      algorithms: [],
      receivers: [],
      model_release: [],
    };
    equal(verdict({}, empty), 'peer orgB');
  });

  it('denies each thing the rule does not name', () => {
    equal(verdict({ peers: ['orgB', 'orgC'] }), 'peer orgC');
    equal(verdict({ peers: ['ORGB'] }), 'peer ORGB');
    equal(verdict({ purpose: 'marketing' }), 'purpose marketing');
    equal(verdict({ purpose: 'not credit risk' }), 'purpose not credit risk');
    equal(
      verdict({ algorithm: 'vertical/linear_regression' }),
      'algorithm vertical/linear_regression',
    );
    equal(verdict({ receivers: ['orgB', 'auditor'] }), 'receiver auditor');
    equal(verdict({ modelRelease: 'split' }), 'model_release split');
    equal(using({ path: 'hr/train.csv' }), 'dataset hr/train.csv');
  });

  it('takes columns only in the role they are allowed for', () => {
    equal(using({ keys: ['region'] }), 'allow');
    equal(using({ label: 'region' }), 'allow');
    equal(using({ keys: ['age'] }), 'column age');
    equal(using({ keys: ['id', 'region'] }), 'allow');
    equal(using({ keys: ['id', 'age', 'y'] }), 'column age', 'each column of the key');
    equal(using({ label: 'age' }), 'column age');
    equal(using({ label: 'id' }), 'column id');
    equal(using({ features: ['id'] }), 'column id');
    equal(using({ features: ['age', 'y'] }), 'column y');
    equal(using({ features: ['ssn'] }), 'column ssn');
    equal(using({ features: ['income_exact'] }), 'column income_exact');
    equal(using({ keys: null, label: null, features: [] }), 'allow');
    equal(using({ excluded: ['id', 'y', 'age'] }), 'allow', 'each has some use');
    equal(using({ excluded: ['ssn'] }), 'column ssn', 'not even to be left out');
  });

  it('lets deny win over every list', () => {
    const rule = { ...RULE, columns: { allow: ['*'], feature: ['ssn'], deny: ['ssn', 'id'] } };
    equal(verdict({ dataset: { ...USE, keys: null } }, rule), 'allow');
    equal(verdict({ dataset: { ...USE, keys: null, features: ['ssn'] } }, rule), 'column ssn');
    equal(verdict({}, rule), 'column id');
  });

  it('allows no dataset and no column by a rule that names none', () => {
    const { datasets, columns, ...receiving } = RULE;
    equal(verdict({ dataset: null }, receiving), 'allow');
    equal(verdict({}, receiving), 'dataset credit/train.csv');
    equal(verdict({}, { ...receiving, datasets: datasets! }), 'column id');
    equal(verdict({}, { ...receiving, columns: columns! }), 'dataset credit/train.csv');
  });

  it('matches paths by segment and never through dots', () => {
    const under = (pattern: string, path: string): boolean =>
      verdict({ dataset: { ...USE, path } }, { ...RULE, datasets: [pattern] }) === 'allow';
    const cases: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
      ['credit/*.csv', 'credit/a.csv', true],
      ['credit/*.csv', 'credit/x/a.csv', false],
      ['credit/**', 'credit/x/a.csv', true],
      ['credit/**', 'credits/a.csv', false],
      ['**', 'a.csv', true],
      ['*', 'a.csv', true],
      ['*', 'x/a.csv', false],
      ['/srv/credit/*', '/srv/credit/a.csv', true],
      ['credit/a.csv', 'credit/axcsv', false],
      ['credit/[ab].csv', 'credit/a.csv', false],
      ['credit/[ab].csv', 'credit/[ab].csv', true],
      ['credit/**', 'credit/../hr/a.csv', false],
      ['**', '../a.csv', false],
      ['**', 'credit/./a.csv', false],
      ['**', 'credit//a.csv', false],
      ['**', 'credit\\..\\a.csv', false],
      ['**', '', false],
    ];
    for (const [pattern, path, matches] of cases) {
      equal(under(pattern, path), matches, `${pattern} ${path}`);
    }
  });

  it('names the rule that allows, wherever it stands', () => {
    const other = { ...RULE, peers: ['orgC'] };
    deepEqual(decide(policy(other, RULE), REQUEST, SITUATION), {
      allow: true,
      ask: false,
      rule: 1,
    });
    deepEqual(decide(policy(RULE, other), REQUEST, SITUATION), {
      allow: true,
      ask: false,
      rule: 0,
    });
  });

  it('asks a person only when no rule allows the task without', () => {
    const ask = { ...RULE, action: 'ask' as const };
    const allow = { ...RULE, action: 'allow' as const };
    const far = { ...RULE, peers: ['orgC'] };
    const asked = { allow: true, ask: true, rule: 1 };
    deepEqual(decide(policy(far, ask, far, ask), REQUEST, SITUATION), asked);
    for (const rules of [
      [ask, allow],
      [allow, ask],
      [ask, RULE],
    ]) {
      const decision = decide(policy(...rules), REQUEST, SITUATION);
      equal(decision.allow && decision.ask, false);
    }
  });

  it('does not add up two rules that each allow a part', () => {
    const full = { ...RULE, receivers: [] };
    const split = { ...RULE, model_release: ['split' as const] };
    equal(decide(policy(full, split), REQUEST, SITUATION).allow, false);
  });

  it('reports the rule that came closest', () => {
    const far = { ...RULE, peers: ['orgC'] };
    const near = { ...RULE, receivers: [] };
    deepEqual(decide(policy(far, near, far), REQUEST, SITUATION), {
      allow: false,
      rule: 1,
      reason: 'receiver',
      subject: 'orgB',
    });
  });
});
