import { deepEqual, equal } from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import type { LoadedDataset } from '../../../../src/party/datasets/datasets.ts';
import {
  answerCalls,
  type CallAnswer,
  type CallRequest,
  type HostCalls,
  remoteHost,
} from '../../../../src/party/tasks/thread/remote-calls.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';
import { stringsOf } from '../../../support/text-columns.ts';

describe('calls from a task’s thread', () => {
  const refuse = () => Promise.reject(new Error('not asked for'));
  const notices = { record: () => {}, phase: () => {}, step: () => {}, save: () => {} };

  /** What the thread gets when the main thread loads this. */
  async function loaded(dataset: LoadedDataset): Promise<LoadedDataset> {
    const { port1: inside, port2: outside } = new MessageChannel();
    const calls: HostCalls = {
      deriveKey: refuse,
      loadModel: refuse,
      loadDataset: async () => dataset,
    };
    const answer = answerCalls(outside, calls, notices);
    const host = remoteHost(inside);
    outside.on('message', (request: CallRequest) => answer(request));
    inside.on('message', (message: CallAnswer) => host.answered(message));
    try {
      return await host.loadDataset();
    } finally {
      inside.close();
    }
  }

  it('take over a dataset, its texts included, without a copy of anything large', async () => {
    const texts = Array.from({ length: 3_000 }, (_, i) => `key ${i}`);
    const dataset: LoadedDataset = {
      rowCount: texts.length,
      keys: [textColumn(texts), textColumn(texts.toReversed())],
      payload: [textColumn(texts.map((text) => `${text}é`))],
      label: new Float64Array(texts.length),
      features: new Float64Array(texts.length).fill(0.5),
      columnNames: ['x'],
      encoding: [{ kind: 'numeric', name: 'x', mean: 0 }],
      missing: [],
    };
    const columns = [...dataset.keys!, ...dataset.payload];
    const expected = columns.map(stringsOf);
    const there = await loaded(dataset);
    deepEqual([...there.keys!, ...there.payload].map(stringsOf), expected);
    equal(there.features[2_999], 0.5);
    const left = [
      ...columns.flatMap(({ bytes, starts }) => [bytes.length, starts.length]),
      dataset.features.length,
      dataset.label!.length,
    ];
    deepEqual(left, Array(8).fill(0), 'what was transferred is gone here');
  });

  it('take over a dataset without keys', async () => {
    const there = await loaded({
      rowCount: 1,
      keys: null,
      payload: [],
      label: null,
      features: Float64Array.of(7),
      columnNames: ['x'],
      encoding: [],
      missing: [],
    });
    deepEqual([there.keys, there.payload, [...there.features]], [null, [], [7]]);
  });
});
