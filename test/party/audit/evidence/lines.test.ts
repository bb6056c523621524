import { deepEqual, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { readLines } from '../../../../src/party/audit/evidence/lines.ts';

async function linesOf(text: string, cuts: readonly number[], maxBytes = 100) {
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const chunks = ends.map((end, i) => Uint8Array.from(bytes.subarray(ends[i - 1] ?? 0, end)));
  const lines: string[] = [];
  let rest: string | undefined;
  for await (const batch of readLines(chunks, maxBytes)) {
    for (const line of batch.lines) lines.push(Buffer.from(line).toString());
    if (batch.rest) rest = Buffer.from(batch.rest).toString();
    for (const chunk of chunks) if (chunk.length > 0) chunk[0]! ^= 0; // as it may be used again
  }
  return { lines, rest };
}

describe('lines of a stream', () => {
  it('are the same however the stream is cut', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[a-z€]{0,20}$/), { maxLength: 8 }),
        fc.stringMatching(/^[a-z]{0,5}$/),
        fc.array(fc.nat(), { maxLength: 6 }),
        async (lines, rest, cuts) => {
          const text = `${lines.map((line) => `${line}\n`).join('')}${rest}`;
          deepEqual(await linesOf(text, cuts), { lines, rest: rest === '' ? undefined : rest });
        },
      ),
      { numRuns: 200 },
    ));

  it('are bounded, also where they never end', async () => {
    deepEqual((await linesOf(`${'x'.repeat(100)}\n`, [7, 50])).lines.length, 1);
    for (const text of [`${'x'.repeat(101)}\n`, 'x'.repeat(101), `a\n${'x'.repeat(200)}`]) {
      for (const cuts of [[], [1, 2, 90]]) await rejects(linesOf(text, cuts), RangeError);
    }
  });

  it('come before one that is too long, also in one piece with it', async () => {
    for (const tooLong of ['x'.repeat(101), `${'x'.repeat(101)}\nb\n`]) {
      const lines: string[] = [];
      const read = async (): Promise<void> => {
        for await (const batch of readLines([Buffer.from(`a\n${tooLong}`)], 100)) {
          lines.push(...batch.lines.map(String));
        }
      };
      await rejects(read(), RangeError);
      deepEqual(lines, ['a']);
    }
  });
});
