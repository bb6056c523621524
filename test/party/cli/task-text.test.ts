import { doesNotMatch, match } from 'node:assert/strict';
import { outcomeResult, taskResult, taskTable } from '../../../src/party/cli/task-text.ts';
import { runningView, taskView } from '../../support/fake-node.ts';

describe('task text', () => {
  it('tells what a task gave, with the reasons for what it could not compute', () => {
    const extra = JSON.stringify({
      aligned_rows: 569,
      null_metrics: { ks: 'one class only' },
      warnings: [{ message: 'a\u001b[2J' }, 'odd', null],
    });
    const { text } = outcomeResult(taskView({ extra }), null);
    match(text, / {2}common records {2}569\n/);
    match(text, / {2}ks +- +one class only\n/);
    match(text, / {2}warning {2}a\?\[2J\n$/);
    const psi = taskView({
      kind: 'psi',
      model_id: null,
      metrics: {},
      extra: '{"intersection_size":7}',
    });
    match(outcomeResult(psi, null).text, /common records {2}7\n {2}receivers/);
    const size = taskView({
      ...psi,
      path: null,
      type: null,
      extra: '{"intersection_size":7,"duplicates":2}',
    });
    const counted = outcomeResult(size, null).text;
    match(counted, /common records {2}7\n {2}left out {8}2 own records that repeat a key\n/);
    doesNotMatch(counted, /file/);
  });

  it('reads no more from the extra text than is there', () => {
    for (const extra of [null, '', 'no json', '7', 'null', '[]', '{"warnings": 7}']) {
      const { text } = outcomeResult(taskView({ extra }), null);
      doesNotMatch(text, /common|warning/, String(extra));
    }
  });

  it('shows a failure with its code, and what is left to do', () => {
    const error = { status: 500, code: 'REFUSED', message: 'lab refused' };
    const failed = taskResult(taskView({ state: 'failed', error, metrics: null })).text;
    match(failed, / {2}failed\n/);
    match(failed, /error +lab refused \(REFUSED\)\n/);
    match(taskResult(runningView(5, { awaits_approval: true })).text, /next +entente task approve/);
  });

  it('marks the tasks that wait for a person', () => {
    match(taskTable([runningView(0, { awaits_approval: true })]), / to approve /);
    match(taskTable([taskView()]), / completed +done 100 % /);
  });
});
