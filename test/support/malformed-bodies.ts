import fc from 'fast-check';
import { LABELED_PSI, PREDICT, PSI, TRAIN } from './http-server.ts';

const EXAMPLES = [
  ['/runModelTrainTask', JSON.stringify(TRAIN)],
  ['/runModelPredictTask', JSON.stringify(PREDICT)],
  ['/runPSITask', JSON.stringify(PSI)],
  ['/runLabeledPSITask', JSON.stringify(LABELED_PSI)],
  ['/api/v1/datasets', '{"name":"a","path":"a.csv","type":"csv"}'],
  ['/api/v1/tokens', '{"role":"auditor","label":"x"}'],
] as const;

const FRAGMENTS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '"__proto__":',
  '"constructor":{"prototype":{}},',
  '1e999',
  '-0',
  'null',
  'true',
  '[[[[[[[[[[',
  '\u0000',
  '\ufeff',
  'é',
];

/** A body that may be anything: noise, any JSON, or a good body with pieces cut out, doubled or put in. */
export const malformedBody: fc.Arbitrary<{ readonly url: string; readonly body: Uint8Array }> = fc
  .constantFrom(...EXAMPLES)
  .chain(([url, text]) =>
    fc
      .oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json({ maxDepth: 6 }).map((json) => Buffer.from(json)),
        fc.nat(40).map((power) => Buffer.from('['.repeat(2 ** (power % 17)))),
        fc
          .array(
            fc.tuple(
              fc.nat(text.length),
              fc.nat(20),
              fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 8 })),
            ),
            { minLength: 1, maxLength: 4 },
          )
          .map((edits) => {
            let edited: string = text;
            for (const [at, cut, put] of edits) {
              edited = edited.slice(0, at) + put + edited.slice(at + cut);
            }
            return Buffer.from(edited);
          }),
      )
      .map((body) => ({ url, body })),
  );
