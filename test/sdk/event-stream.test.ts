import { deepEqual, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { readEvents, type ServerEvent } from '../../src/sdk/event-stream.ts';

async function* inChunks(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function eventsOf(
  text: string,
  cuts: readonly number[] = [],
  onRetry?: (ms: number) => void,
): Promise<ServerEvent[]> {
  const bytes = new TextEncoder().encode(text);
  const at = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  const chunks = at.map((end, i) => bytes.subarray(i === 0 ? 0 : at[i - 1], end));
  const events: ServerEvent[] = [];
  for await (const event of readEvents(inChunks(chunks), onRetry ? { onRetry } : {})) {
    events.push(event);
  }
  return events;
}

const STREAM = [
  '\ufeffretry: 1500\n\n',
  ': alive\n\n',
  'id: 1\nevent: status\ndata: {"a":"é"}\n\n',
  'event: progress\r\nid: 2\r\ndata: one\r\ndata: two\r\n\r\n',
  'data:no space\r\r',
  'event: nothing\n\n',
  'id\ndata\n\n',
  'id: 3\ndata: cut off',
].join('');

const EVENTS: readonly ServerEvent[] = [
  { id: '1', type: 'status', data: '{"a":"é"}' },
  { id: '2', type: 'progress', data: 'one\ntwo' },
  { id: '2', type: 'message', data: 'no space' },
  { id: '', type: 'message', data: '' },
];

describe('event stream', () => {
  it('is read as the standard says', async () => {
    const delays: number[] = [];
    deepEqual(await eventsOf(STREAM, [], (ms) => delays.push(ms)), EVENTS);
    deepEqual(delays, [1500]);
    deepEqual(await eventsOf(''), []);
    deepEqual(await eventsOf('retry: soon\nid: a\0b\ndata: x\n\n'), [
      { id: '', type: 'message', data: 'x' },
    ]);
  });

  it('means the same however it is cut', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat()), async (cuts) => {
        deepEqual(await eventsOf(STREAM, cuts), EVENTS);
      }),
      { numRuns: 200 },
    ));

  it('is given up when a line has no end', async () => {
    await rejects(eventsOf(`data: ${'x'.repeat(1 << 21)}`), RangeError);
  });
});
