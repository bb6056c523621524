import { deepEqual, equal } from 'node:assert/strict';
import { decide } from '../../src/party/policy.ts';
import type { Situation, Usage } from '../../src/party/policy-limits.ts';
import type { PolicyRequest, TaskTerms } from '../../src/party/policy-request.ts';
import type { PolicyRule } from '../../src/party/policy-rule.ts';
import { NOW } from '../support/contracts.ts';

const RULE: PolicyRule = {
  peers: ['orgB', 'auditor'],
  purposes: ['credit risk'],
  algorithms: ['*'],
  datasets: ['credit/*'],
  columns: { allow: ['*'] },
  receivers: ['*'],
  model_release: ['full', 'split'],
};

const TERMS: TaskTerms = {
  security: { kappa: 128, sigma: 40 },
  fewestFeatures: 3,
  margin: null,
  minimumIntersection: 100,
  openBits: 12,
  metrics: ['auc', 'ks'],
  heldOut: true,
  openings: [
    { peer: 'orgB', class: 'validation_scores', most: 200 },
    { peer: 'orgB', class: 'weights', most: 6 },
    { peer: 'auditor', class: 'weights', most: 6 },
  ],
};

const REQUEST: PolicyRequest = {
  peers: ['orgB', 'auditor'],
  purpose: 'credit risk',
  algorithm: 'vertical/logistic_regression',
  dataset: { path: 'credit/train.csv', keys: ['id'], label: null, features: ['a', 'b', 'c'] },
  receivers: ['orgB', 'auditor'],
  modelRelease: 'full',
  terms: TERMS,
};

const UNUSED: Usage = { voted: [], opened: () => 0 };

/** What a rule with these limits says to the sample task with some of its terms changed. */
function verdict(
  limits: Partial<PolicyRule>,
  terms: Partial<TaskTerms> | null = {},
  situation: Partial<Situation> = {},
): string {
  const request = { ...REQUEST, terms: terms && { ...TERMS, ...terms } };
  const policy = { version: 1, rules: [{ ...RULE, ...limits }] } as const;
  const decision = decide({ ...policy, rules: [...policy.rules] }, request, {
    now: NOW,
    usage: UNUSED,
    ...situation,
  });
  return decision.allow ? 'allow' : `${decision.reason}: ${decision.subject}`;
}

const opened = (counts: Readonly<Record<string, number>>): Partial<Situation> => ({
  usage: { voted: [], opened: (peer, name) => counts[`${peer}/${name}`] ?? 0 },
});

describe('limits of a rule', () => {
  it('are none where the rule says nothing', () => {
    equal(verdict({}), 'allow');
    equal(verdict({}, { openBits: 20, heldOut: false, minimumIntersection: 0 }), 'allow');
  });

  it('name the metrics that may be computed', () => {
    equal(verdict({ metrics: ['auc', 'k*'] }), 'allow');
    equal(verdict({ metrics: ['auc'] }), 'metrics: ks');
    equal(verdict({ metrics: [] }), 'metrics: auc');
    equal(verdict({ metrics: [] }, { metrics: [] }), 'allow');
  });

  it('forbid scores of training rows', () => {
    equal(verdict({ validation: 'held_out' }), 'allow');
    equal(
      verdict({ validation: 'held_out' }, { heldOut: false }),
      'validation: scores of training rows',
    );
    equal(verdict({ validation: 'held_out' }, { heldOut: null }), 'allow', 'no training');
  });

  it('ask for a security profile', () => {
    equal(verdict({ security: { kappa: 128, sigma: 40 } }), 'allow');
    equal(verdict({ security: {} }), 'allow');
    equal(verdict({ security: { kappa: 192 } }), 'security: 128 of at least 192');
    equal(verdict({ security: { sigma: 64 } }), 'security: 40 of at least 64');
  });

  it('bound the bits of what is opened', () => {
    equal(verdict({ open_bits: 12 }), 'allow');
    equal(verdict({ open_bits: 11 }), 'open_bits: 12 of at most 11');
    equal(verdict({ open_bits: 0 }, { openBits: null }), 'allow', 'nothing is rounded');
  });

  it('ask for columns on every side', () => {
    equal(verdict({ minimum_columns: 3 }), 'allow');
    equal(verdict({ minimum_columns: 4 }), 'minimum_columns: 3 of at least 4');
    equal(verdict({ minimum_columns: 4 }, { fewestFeatures: null }), 'allow', 'keys alone');
  });

  it('ask for a margin on features, of 1 unless they say otherwise', () => {
    equal(verdict({}, { margin: 1 }), 'allow');
    equal(verdict({}, { margin: 0.75 }), 'minimum_margin: 0.75 of at least 1');
    equal(verdict({ minimum_margin: 0.5 }, { margin: 0.75 }), 'allow');
    equal(verdict({ minimum_margin: 0 }, { margin: 0.001 }), 'allow');
    equal(verdict({ minimum_margin: 4 }, { margin: 2 }), 'minimum_margin: 2 of at least 4');
    equal(verdict({ minimum_margin: 4 }, { margin: null }), 'allow', 'no trees on its features');
  });

  it('ask for records that are matched by keys', () => {
    const rowOrder = { dataset: { ...REQUEST.dataset!, keys: null } };
    const rule = { version: 1 as const, rules: [{ ...RULE, alignment: 'psi' as const }] };
    const situation = { now: NOW, usage: UNUSED };
    equal(decide(rule, REQUEST, situation).allow, true);
    equal(
      decide({ version: 1, rules: [RULE] }, { ...REQUEST, ...rowOrder }, situation).allow,
      true,
    );
    for (const terms of [TERMS, null]) {
      const decision = decide(rule, { ...REQUEST, ...rowOrder, terms }, situation);
      equal(decision.allow, false);
      if (!decision.allow) equal(decision.reason, 'alignment');
    }
    equal(decide(rule, { ...REQUEST, dataset: null }, situation).allow, true, 'brings none');
  });

  it('ask for common records', () => {
    equal(verdict({ minimum_intersection: 100 }), 'allow');
    equal(verdict({ minimum_intersection: 101 }), 'minimum_intersection: 100 of at least 101');
  });

  it('end with the rule', () => {
    const day = '2026-03-01'; // NOW is at noon
    equal(verdict({ expires: day }), 'allow');
    equal(verdict({ expires: '2026-02-28' }), 'expires: 2026-02-28');
    equal(verdict({ expires: day }, {}, { now: NOW + 12 * 3_600_000 - 1 }), 'allow');
    equal(verdict({ expires: day }, {}, { now: NOW + 12 * 3_600_000 }), `expires: ${day}`);
    equal(verdict({ expires: '2026-03-01T12:00:00Z' }), 'expires: 2026-03-01T12:00:00Z');
    equal(verdict({ expires: '2026-03-01T12:00:01Z' }), 'allow');
    equal(verdict({ expires: '2099-02-30' }), 'expires: 2099-02-30', 'no date');
    equal(verdict({ expires: '2026-02-28' }, null, { usage: null }), 'expires: 2026-02-28');
  });

  it('count the tasks of a day that this rule allows', () => {
    const other = { ...REQUEST, purpose: 'marketing' };
    const day = (...voted: PolicyRequest[]): Partial<Situation> => ({
      usage: { ...UNUSED, voted },
    });
    const limits = { tasks_per_day: 2 };
    equal(verdict(limits, {}, day()), 'allow');
    equal(verdict(limits, {}, day(REQUEST)), 'allow');
    equal(verdict(limits, {}, day(REQUEST, REQUEST)), 'tasks_per_day: 3 of at most 2');
    equal(verdict(limits, {}, day(other, other, other)), 'allow', 'not of this rule');
    equal(verdict({ tasks_per_day: 0 }, {}, day()), 'tasks_per_day: 1 of at most 0');
    const edited = { ...limits, open_bits: 12 };
    const precise = { ...REQUEST, terms: { ...TERMS, openBits: 20 } };
    equal(verdict(edited, {}, day(precise, precise)), 'allow', 'the rule as it is now');
    equal(verdict(limits, null, { usage: null }), 'allow', 'a question is no task');
    const none = verdict({ tasks_per_day: 0 }, null, { usage: null });
    equal(none, 'tasks_per_day: 1 of at most 0', 'nor is there one to ask for');
  });

  it('bound the values that a peer ever learns, by class', () => {
    const budgets = { validation_scores: 1000, weights: 12 };
    equal(verdict({ budgets }), 'allow');
    equal(verdict({ budgets }, {}, opened({ 'orgB/validation_scores': 800 })), 'allow');
    equal(
      verdict({ budgets }, {}, opened({ 'orgB/validation_scores': 801 })),
      'budgets: validation_scores to orgB: 1001 of at most 1000',
    );
    equal(
      verdict({ budgets }, {}, opened({ 'auditor/weights': 7 })),
      'budgets: weights to auditor: 13 of at most 12',
    );
    equal(verdict({ budgets }, {}, opened({ 'auditor/validation_scores': 9999 })), 'allow');
    equal(verdict({ budgets }, null, { usage: null }), 'allow', 'a question opens nothing');
  });

  it('open nothing of a class without a budget, where there are budgets', () => {
    const budgets = { weights: 12 };
    equal(verdict({ budgets }), 'budgets: validation_scores to orgB: 200 of at most 0');
    const openings = [{ peer: 'orgB', class: 'toString', most: 1 }];
    equal(verdict({ budgets }, { openings }), 'budgets: toString to orgB: 1 of at most 0');
    equal(verdict({ budgets: {} }, { openings: [] }), 'allow');
    const nothing = [{ peer: 'orgB', class: 'metrics', most: 0 }];
    equal(verdict({ budgets: {} }, { openings: nothing }), 'allow', 'none at most');
  });

  it('add up a class that stands twice', () => {
    const twice = [100, 60].map((most) => ({ peer: 'orgB', class: 'scores', most }));
    equal(verdict({ budgets: { scores: 160 } }, { openings: twice }), 'allow');
    equal(
      verdict({ budgets: { scores: 159 } }, { openings: twice }),
      'budgets: scores to orgB: 160 of at most 159',
    );
  });

  it('make another rule of no use only to itself', () => {
    const rules = [{ ...RULE, budgets: {} }, { ...RULE, open_bits: 4 }, RULE];
    const decision = decide({ version: 1, rules }, REQUEST, { now: NOW, usage: UNUSED });
    deepEqual(decision, { allow: true, ask: false, rule: 2 });
  });
});
