import { equal } from 'node:assert/strict';
import { matcher, matchesPath, unmatched } from '../../src/party/policy-pattern.ts';

describe('policy patterns', () => {
  it('stand for themselves, but for the star', () => {
    equal(matcher(['a.b'])('a.b'), true);
    equal(matcher(['a.b'])('axb'), false);
    equal(matcher(['a*'])('a'), true);
    equal(matcher(['a*'])('ba'), false);
    equal(matcher(['*'])('any/\nthing'), true);
    equal(matcher([])(''), false);
    equal(matcher(['(', '[a]', '\\'])('('), true);
  });

  it('name the first text that none of them matches', () => {
    equal(unmatched(['a', 'b*'], ['a', 'bc']), undefined);
    equal(unmatched(['a', 'b*'], ['a', 'c', 'd']), 'c');
    equal(unmatched([], []), undefined);
  });

  it('keep to a folder in paths, and to names in references', () => {
    equal(matchesPath(['credit/*'], 'credit/a.csv'), true);
    equal(matchesPath(['credit/*'], 'credit/x/a.csv'), false);
    equal(matchesPath(['credit/**'], 'credit/x/a.csv'), true);
    equal(matchesPath(['**'], 'credit/../a.csv'), false);
    equal(matchesPath(['**'], 'dataset:loans'), false);
    equal(matchesPath(['dataset:*'], 'dataset:loans'), true);
  });
});
