import { equal, match } from 'node:assert/strict';
import { progressDisplay, progressLine } from '../../../src/party/cli/progress.ts';
import { fakeTerminal } from '../../support/cli-run.ts';
import { runningView } from '../../support/fake-node.ts';

describe('progress', () => {
  it('says phase, iteration, rate and estimate, as far as they are known', () => {
    equal(progressLine(runningView(35)), 'training  7/20  3.4 MB/s  95 s left');
    const { progress } = runningView(0);
    const unknown = {
      ...progress,
      iteration: null,
      iterations: null,
      bytes_per_second: 0,
      seconds_remaining: null,
    };
    equal(progressLine(runningView(0, { phase: 'aligning', progress: unknown })), 'aligning');
    const buckets = { ...unknown, iteration: 3, iterations: 16 };
    equal(
      progressLine(runningView(20, { phase: 'aligning', progress: buckets })),
      'aligning  bucket 3/16',
    );
    equal(
      progressLine(runningView(0, { state: 'stopping', progress: unknown })),
      'stopping',
      'a cancelled task says so',
    );
    match(progressLine(runningView(0, { awaits_approval: true })), /waits for your approval$/);
    equal(progressLine(runningView(0, { phase: '\u001b[2J', progress: unknown })), '?[2J');
  });

  it('draws a bar on a terminal and leaves none behind', () => {
    const { stream, written } = fakeTerminal();
    const display = progressDisplay(stream);
    display.show(runningView(35));
    display.show(runningView(140));
    display.stop();
    display.stop();
    match(written(), /█+░+ 35 % {2}training {2}7\/20/);
    equal(written().includes('140 %'), false);
    equal(written().includes('\u001b[?25h'), true, 'the cursor is back');
  });

  it('shows nothing without a terminal', () => {
    const display = progressDisplay(null);
    display.show(runningView(35));
    display.stop();
  });
});
