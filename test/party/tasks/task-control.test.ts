import { deepEqual, equal } from 'node:assert/strict';
import { taskControl } from '../../../src/party/tasks/task-control.ts';

describe('task control', () => {
  it('lets a person cancel until the result is prepared, and others end it at any time', () => {
    const control = taskControl();
    control.prepared(true);
    deepEqual([control.cancel(new Error('late')), control.isPrepared()], [false, true]);
    equal(control.signal.aborted, false);
    control.prepared(false); // the others were not: another attempt follows
    equal(control.cancel(new Error('cancelled')), true);
    equal((control.signal.reason as Error).message, 'cancelled');

    const prepared = taskControl(true);
    prepared.end(new Error('ended by a peer'));
    equal((prepared.signal.reason as Error).message, 'ended by a peer');
  });
});
