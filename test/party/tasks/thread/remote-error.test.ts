import { deepEqual, equal, ok } from 'node:assert/strict';
import { ConsensusError } from '../../../../src/party/consensus/errors.ts';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import { SessionError } from '../../../../src/party/errors.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';
import { packError, unpackError } from '../../../../src/party/tasks/thread/remote-error.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';

const cross = (error: unknown): Error => unpackError(structuredClone(packError(error)));

describe('error between threads', () => {
  it('keeps class, code, message, cause and origin', () => {
    const cause = new SessionError('TIMED_OUT', 'orgB is away');
    const errors = [
      new ProtocolError('CLOSED', 'the session ended', { cause }),
      new DatasetError('changed', 'a.csv: is not the file that was described'),
      new TaskError('TOO_FEW_ROWS', 'the parties have fewer than 10 records in common'),
      new ConsensusError('expired', 'too late'),
      new RangeError('too long'),
      new TypeError('no text'),
      cause,
    ];
    for (const error of errors) {
      const other = cross(error);
      equal(other.constructor, error.constructor);
      deepEqual(
        [other.message, (other as NodeJS.ErrnoException).code, other.name, other.stack],
        [error.message, (error as NodeJS.ErrnoException).code, error.name, error.stack],
      );
    }
    const behind = cross(errors[0]).cause;
    ok(behind instanceof SessionError && behind.code === 'TIMED_OUT');
  });

  it('keeps name and code of classes that it does not know', () => {
    class StoreError extends Error {
      override readonly name = 'StoreError';
      readonly code = 'LOCKED';
    }
    const other = cross(new StoreError('in use'));
    deepEqual([other.name, (other as NodeJS.ErrnoException).code], ['StoreError', 'LOCKED']);
  });

  it('makes an error of whatever was thrown, and ends a chain of causes', () => {
    equal(cross('no error').message, 'no error');
    const endless = new Error('loop');
    endless.cause = endless;
    let depth = 0;
    for (let at: unknown = cross(endless); at instanceof Error; at = at.cause) depth += 1;
    equal(depth, 5);
  });
});
