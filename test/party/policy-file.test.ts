import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PolicyError, parsePolicy, policyFile } from '../../src/party/policy-file.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const POLICY = `# who may do what
version: 1
rules:
  - name: scoring
    peers: [orgB]
    purposes: ['credit risk*']
    algorithms: ['vertical/*']
    datasets: ['credit/*.csv']
    columns:
      key: [id]
      feature: [age]
    receivers: []
    model_release: [full, split]
`;

const LIMITS = `    action: ask
    expires: 2027-06-30
    metrics: [auc]
    validation: held_out
    security: {kappa: 128, sigma: 40}
    open_bits: 12
    minimum_columns: 3
    minimum_intersection: 100
    tasks_per_day: 10
    budgets: {weights: 500, metrics: 0}
`;

/** The problems of a text, as the operator reads them. */
function problemsOf(text: string): readonly string[] {
  let problems: readonly string[] = [];
  throws(
    () => parsePolicy(text, 'p.yaml'),
    (error) => {
      problems = (error as PolicyError).problems;
      return error instanceof PolicyError;
    },
  );
  return problems;
}

describe('policy file', () => {
  it('reads every key', () => {
    deepEqual(parsePolicy(POLICY).rules[0], {
      name: 'scoring',
      peers: ['orgB'],
      purposes: ['credit risk*'],
      algorithms: ['vertical/*'],
      datasets: ['credit/*.csv'],
      columns: { key: ['id'], feature: ['age'] },
      receivers: [],
      model_release: ['full', 'split'],
    });
    const { rules } = parsePolicy(POLICY + LIMITS);
    deepEqual(
      { ...rules[0], ...parsePolicy(POLICY).rules[0] },
      {
        ...parsePolicy(POLICY).rules[0],
        action: 'ask',
        expires: '2027-06-30',
        metrics: ['auc'],
        validation: 'held_out',
        security: { kappa: 128, sigma: 40 },
        open_bits: 12,
        minimum_columns: 3,
        minimum_intersection: 100,
        tasks_per_day: 10,
        budgets: { weights: 500, metrics: 0 },
      },
    );
    deepEqual(parsePolicy('version: 1\nrules: []'), { version: 1, rules: [] });
  });

  it('reads the example of its own documentation', () => {
    const source = readFileSync('src/party/policy-rule.ts', 'utf8');
    const example = source
      .split('```')[1]!
      .replace(/^yaml/, '')
      .replace(/^ \* ?/gm, '');
    equal(parsePolicy(example).rules[0]!.name, 'credit scoring with orgB');
  });

  it('names unknown keys by line, all at once', () => {
    const text = POLICY.replace('name: scoring', 'nmae: scoring').replace(
      'key: [id]',
      'keys: [id]',
    );
    deepEqual(problemsOf(`${text}budget: 3\n`), [
      'p.yaml:14: budget is not a known key',
      'p.yaml:4: rules.0.nmae is not a known key',
      'p.yaml:10: rules.0.columns.keys is not a known key',
    ]);
  });

  it('names missing and wrong values by line', () => {
    deepEqual(problemsOf(POLICY.replace('    peers: [orgB]\n', '')), [
      'p.yaml:4: rules.0 must have required properties peers',
    ]);
    deepEqual(problemsOf(POLICY.replace('[orgB]', 'orgB')), [
      'p.yaml:5: rules.0.peers must be array',
    ]);
    deepEqual(problemsOf(POLICY.replace('[orgB]', '[orgB, 3]')), [
      'p.yaml:5: rules.0.peers.1 must be string',
    ]);
    deepEqual(problemsOf(POLICY.replace('full, split', 'full, all')), [
      'p.yaml:13: rules.0.model_release.1 must be equal to one of the allowed values',
    ]);
    deepEqual(problemsOf(POLICY.replace('version: 1', 'version: 2')), [
      'p.yaml:2: version must be equal to constant',
    ]);
    deepEqual(problemsOf(''), ['p.yaml:1: the file must be object']);
  });

  it('names wrong limits by line', () => {
    const wrong = (from: string, to: string): readonly string[] =>
      problemsOf((POLICY + LIMITS).replace(from, to)).map((problem) => problem.split(' ')[1]!);
    for (const [from, to, at] of [
      ['action: ask', 'action: maybe', 'action'],
      ['2027-06-30', '30.6.2027', 'expires'],
      ['2027-06-30', '2027-06-30T12:00', 'expires'],
      ['2027-06-30', '2027-02-30', 'expires'],
      ['[auc]', 'auc', 'metrics'],
      ['held_out', 'none', 'validation'],
      ['sigma: 40', 'sigma: high', 'security.sigma'],
      ['sigma: 40', 'tau: 40', 'security.tau'],
      ['open_bits: 12', 'open_bits: -1', 'open_bits'],
      ['minimum_columns: 3', 'minimum_columns: 0', 'minimum_columns'],
      ['minimum_intersection: 100', 'minimum_intersection: 1.5', 'minimum_intersection'],
      ['tasks_per_day: 10', 'tasks_per_day: many', 'tasks_per_day'],
      ['weights: 500', 'weights: -1', 'budgets.weights'],
      ['weights: 500', 'Weights: 500', 'budgets.Weights'],
      ['weights: 500', 'weights: 9007199254740993', 'budgets.weights'],
    ] as const) {
      deepEqual(wrong(from, to), [`rules.0.${at}`], to);
    }
    const undated = problemsOf((POLICY + LIMITS).replace('2027-06-30', '2027-02-30'));
    deepEqual(undated, ['p.yaml:15: rules.0.expires is no date']);
  });

  it('refuses YAML that could read otherwise than it looks', () => {
    equal(problemsOf('version: 1\nrules: []\nversion: 1').length, 1, 'a key twice');
    equal(problemsOf('version: 1\nrules: &r []\nx: *r').length, 1, 'an alias');
    equal(problemsOf('version: 1\nrules: !!set {}').length > 0, true, 'a tag');
    equal(problemsOf('version: 1\nrules: []\n---\nversion: 1').length, 1, 'two documents');
    equal(problemsOf('version: 1\nrules: [').length > 0, true, 'broken');
  });

  it('is read anew at every decision, and allows nothing while it is broken', () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'policy.yaml');
      const source = policyFile(path);
      await rejects(source(), PolicyError);
      writeFileSync(path, POLICY);
      equal((await source()).rules.length, 1);
      writeFileSync(path, 'version: 1\nrules: []');
      equal((await source()).rules.length, 0);
      writeFileSync(path, 'version: 1\nrules: [');
      await rejects(source(), PolicyError);
      writeFileSync(path, `version: 1\nrules: []\n#${'x'.repeat(1 << 20)}`);
      await rejects(source(), PolicyError);
    }));
});
