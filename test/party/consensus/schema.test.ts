import { deepEqual, equal } from 'node:assert/strict';
import Type from 'typebox';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import type { ConsensusError } from '../../../src/party/consensus/errors.ts';
import { checkShape, decodeJson, isTimestamp } from '../../../src/party/consensus/schema.ts';
import { refuses } from '../../support/refusals.ts';

const Shape = Type.Object(
  {
    n: Type.Integer({ minimum: 1 }),
    rows: Type.Array(Type.Union([Type.Null(), Type.Object({ x: Type.String() })])),
  },
  { additionalProperties: false },
);

/** What an error says about a value. */
function problemOf(value: unknown): string {
  try {
    checkShape(Shape, value, 'malformed_message');
    return 'none';
  } catch (error) {
    return (error as ConsensusError).message;
  }
}

describe('shape check', () => {
  it('returns what fits', () => {
    const value = { n: 1, rows: [null, { x: 'y' }] };
    equal(checkShape(Shape, value, 'malformed_message'), value);
    deepEqual(decodeJson(Shape, canonicalBytes(value), 100, 'malformed_message'), value);
  });

  it('names the field that does not, the innermost of a union', () => {
    equal(problemOf({ n: 0, rows: [] }), 'n must be >= 1');
    equal(problemOf({ n: 1, rows: [], z: 1 }), 'z is not a known field');
    equal(problemOf({ n: 1, rows: [null, { x: 1 }] }), 'rows/1/x must be string');
    equal(problemOf({ n: 1, rows: [3] }), 'rows/0 has none of the allowed forms');
    equal(problemOf({ n: 1 }), 'value must have required properties rows');
    equal(problemOf(null), 'value must be object');
  });

  it('repeats no more of a peer’s keys than a line holds', () => {
    equal(problemOf({ n: 1, rows: [], ['k'.repeat(10_000)]: 1 }).length < 250, true);
  });
});

describe('decoding', () => {
  it('bounds the size before it parses', () => {
    const bytes = canonicalBytes({ n: 1, rows: [] });
    decodeJson(Shape, bytes, bytes.length, 'malformed_message');
    refuses(
      () => decodeJson(Shape, bytes, bytes.length - 1, 'malformed_message'),
      'malformed_message',
    );
  });

  it('refuses bytes that are not canonical JSON, with the caller’s code', () => {
    for (const text of [
      '',
      '{',
      '{"n":1, "rows":[]}',
      '{"rows":[],"n":1}',
      '{"n":1,"n":1,"rows":[]}',
    ]) {
      const bytes = new TextEncoder().encode(text);
      refuses(() => decodeJson(Shape, bytes, 100, 'malformed_contract'), 'malformed_contract');
    }
  });
});

describe('timestamp', () => {
  it('is a date in the one form', () => {
    equal(isTimestamp('2024-02-29T23:59:59.999Z'), true);
    for (const text of [
      '2026-02-29T00:00:00.000Z',
      '2026-01-01T24:00:00.000Z',
      '2026-01-01T00:00:00Z',
      '2026-01-01',
      '',
    ]) {
      equal(isTimestamp(text), false, text);
    }
  });
});
