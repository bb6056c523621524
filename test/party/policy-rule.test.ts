import { equal } from 'node:assert/strict';
import { budgetOf, endOf, isValid, type PolicyRule } from '../../src/party/policy-rule.ts';

describe('policy rule', () => {
  it('holds through its last day, or until its time', () => {
    equal(endOf('2026-12-31'), Date.parse('2027-01-01T00:00:00Z'));
    equal(endOf('2026-12-31T08:00:00Z'), Date.parse('2026-12-31T08:00:00Z'));
    for (const nonsense of ['2026-02-30', '2026-13-01', '2026-12-31T25:00:00Z']) {
      equal(endOf(nonsense), Number.NaN, nonsense);
    }
    const rule = (expires?: string): PolicyRule =>
      ({ peers: [], ...(expires === undefined ? {} : { expires }) }) as unknown as PolicyRule;
    equal(isValid(rule(), Number.MAX_SAFE_INTEGER), true);
    equal(isValid(rule('2026-12-31'), endOf('2026-12-31') - 1), true);
    equal(isValid(rule('2026-12-31'), endOf('2026-12-31')), false);
    equal(isValid(rule('2026-02-30'), 0), false, 'no date allows nothing');
  });

  it('has no budget for a class that it does not name', () => {
    equal(budgetOf({ weights: 3 }, 'weights'), 3);
    equal(budgetOf({ weights: 3 }, 'scores'), 0);
    equal(budgetOf({}, 'constructor'), 0);
  });
});
