import { deepEqual } from 'node:assert/strict';
import { AuditError } from '../../../src/party/audit/errors.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import { DatasetError } from '../../../src/party/datasets/dataset-error.ts';
import { SessionError } from '../../../src/party/errors.ts';
import { errorSource } from '../../../src/party/tasks/error-code.ts';
import { TaskError } from '../../../src/party/tasks/task-error.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';

describe('error codes in the audit log', () => {
  it('say where an error is from, and never its text', () => {
    const lost = new SessionError('UNREACHABLE', 'x');
    const cases = [
      [new ProtocolError('NOT_DECLARED', 'x'), 'protocol', 'NOT_DECLARED'],
      [new ProtocolError('CLOSED', 'x', { cause: lost }), 'protocol', 'UNREACHABLE'],
      [lost, 'session', 'UNREACHABLE'],
      [new ConsensusError('dataset/missing_column', 'x'), 'consensus', 'dataset/missing_column'],
      [new DatasetError('changed', 'x'), 'dataset', 'changed'],
      [new TaskError('TOO_FEW_ROWS', 'x'), 'task', 'TOO_FEW_ROWS'],
      [new AuditError('log_failed', 'x'), 'audit', 'log_failed'],
      [new RangeError('x'), 'internal', 'internal'],
      ['x', 'internal', 'internal'],
    ] as const;
    for (const [error, source, code] of cases) deepEqual(errorSource(error), { source, code });
  });
});
