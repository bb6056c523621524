import { equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  canonicalBytes,
  canonicalDigest,
  canonicalJson,
  MAX_DEPTH,
  parseCanonical,
} from '../../../src/party/consensus/canonical-json.ts';

/** RFC 8785 Appendix B: IEEE 754 bits and their JSON. */
const NUMBERS: readonly (readonly [bits: string, json: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function fromBits(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE();
}

describe('canonical JSON', () => {
  it('formats numbers as RFC 8785 Appendix B', () => {
    for (const [bits, json] of NUMBERS) equal(canonicalJson(fromBits(bits)), json, bits);
  });

  it('refuses the non-finite numbers of Appendix B', () => {
    for (const bits of ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000']) {
      throws(() => canonicalJson(fromBits(bits)), TypeError, bits);
    }
  });

  it('encodes the sample object of RFC 8785 §3.2.2 to the bytes of §3.2.4', () => {
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    const expected =
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a' +
      '5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d3237' +
      '5d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d';
    equal(Buffer.from(canonicalBytes(JSON.parse(input))).toString('hex'), expected);
  });

  it('sorts keys by UTF-16 code units, as the sample of RFC 8785 §3.2.3', () => {
    const input = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = [...canonicalJson(input).matchAll(/:"([^"]*)"/g)].map(([, text]) => text);
    equal(
      order.join('|'),
      'Carriage Return|One|Control|Latin Small Letter O With Diaeresis|Euro Sign|' +
        'Emoji: Grinning Face|Hebrew Letter Dalet With Dagesh',
    );
  });

  it('refuses what I-JSON does not have', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    const cases: readonly (readonly [string, unknown])[] = [
      ['lone high surrogate', '\ud83d'],
      ['lone low surrogate', 'a\ude00b'],
      ['lone surrogate in a key', { '\ud83d': 1 }],
      ['undefined', undefined],
      ['undefined member', { a: undefined }],
      ['hole', new Array(1)],
      ['bigint', 1n],
      ['function', () => 1],
      ['symbol', Symbol('x')],
      ['date', new Date(0)],
      ['map', new Map()],
      ['bytes', new Uint8Array(2)],
      ['cycle', cyclic],
    ];
    for (const [name, value] of cases) throws(() => canonicalJson(value), TypeError, name);
  });

  it('encodes up to the depth limit and not beyond', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    equal(canonicalJson(nested(MAX_DEPTH)).length, 2 * MAX_DEPTH + 1);
    throws(() => canonicalJson(nested(MAX_DEPTH + 1)), TypeError);
    throws(() => parseCanonical(utf8('['.repeat(100_000) + ']'.repeat(100_000))), TypeError);
  });

  it('is a fixed point: parsing and encoding again changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        if (/\p{Surrogate}/u.test(JSON.stringify(value))) return;
        const text = canonicalJson(value);
        equal(canonicalJson(JSON.parse(text)), text);
        equal(canonicalJson(parseCanonical(utf8(text))), text);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('parses nothing but canonical bytes', () => {
    const cases = [
      '',
      '{"a":1',
      ' {"a":1}',
      '{"a":1}\n',
      '{"b":1,"a":2}',
      '{"a":1,"a":1}',
      '{"a":1.0}',
      '{"a":1e0}',
      '{"a":-0}',
      '{"a":1e999}',
      '"\\u0041"',
      '"\\ud83d"',
      '\ufeff{"a":1}',
    ];
    for (const text of cases) throws(() => parseCanonical(utf8(text)), TypeError, text);
    throws(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22)), TypeError);
  });

  it('keeps a key named __proto__ a key', () => {
    equal(canonicalJson(JSON.parse('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
  });

  it('hashes the canonical bytes', () => {
    // SHA-256 of the two bytes `{}`.
    equal(canonicalDigest({}), '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });
});
