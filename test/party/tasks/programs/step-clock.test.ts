import { deepEqual, ok } from 'node:assert/strict';
import { stepClock } from '../../../../src/party/tasks/programs/step-clock.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';

describe('step clock', () => {
  it('measures a step by the steps after the first', () => {
    const [channel] = memoryChannelPair();
    const stats = { ...channel.stats };
    const clock = stepClock({ ...channel, stats });
    for (const sent of [1000, 1010, 1030]) {
      stats.bytesSent = sent;
      stats.bytesReceived = 2 * sent;
      clock.tick();
    }
    const { secondsPerStep, ...counts } = clock.summary();
    deepEqual(counts, { steps: 3, bytesSentPerStep: 15, bytesReceivedPerStep: 30 });
    ok(secondsPerStep >= 0);
  });

  it('has nothing to say about fewer than two', () => {
    const [channel] = memoryChannelPair();
    const clock = stepClock(channel);
    const none = { secondsPerStep: 0, bytesSentPerStep: 0, bytesReceivedPerStep: 0 };
    deepEqual(clock.summary(), { steps: 0, ...none });
    clock.tick();
    deepEqual(clock.summary(), { steps: 1, ...none });
  });
});
