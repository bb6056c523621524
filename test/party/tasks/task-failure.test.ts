import { deepEqual, equal, ok } from 'node:assert/strict';
import { UnsuitableColumnError } from '../../../src/ml/vertical/linear/release.ts';
import { ConsensusError, isConsensusErrorCode } from '../../../src/party/consensus/errors.ts';
import { NotAgreedError } from '../../../src/party/consensus/initiator.ts';
import { DatasetError } from '../../../src/party/datasets/dataset-error.ts';
import { SessionError } from '../../../src/party/errors.ts';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { ModelUseError } from '../../../src/party/models/model-use-error.ts';
import { TaskError } from '../../../src/party/tasks/task-error.ts';
import { apiErrorOf, runFailure } from '../../../src/party/tasks/task-failure.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';

const broken = new SessionError('UNREACHABLE', 'the connection with orgB broke');
const refused = new SessionError('UNREACHABLE', 'orgB at h:1: connect ECONNREFUSED');
const unreachable = new ConsensusError('unreachable', 'orgB cannot be reached', { cause: refused });

describe('what a failure means to the coordinator', () => {
  const cases: readonly (readonly [error: unknown, code: string, message: string])[] = [
    [
      new ConsensusError('refused_by_policy', 'the policy does not allow it'),
      'REFUSED',
      'orgB: the policy does not allow it',
    ],
    [
      new ConsensusError('dataset/not_numeric', 'd.csv: line 3'),
      'DATASET_UNUSABLE',
      'orgB: d.csv: line 3',
    ],
    // A refusal that a peer tells of another has no cause here.
    [new ConsensusError('timed_out', 'orgC is late'), 'UNREACHABLE', 'orgB: orgC is late'],
    [new ConsensusError('internal', 'its log says why'), 'FAILED', 'orgB: its log says why'],
    [unreachable, 'UNREACHABLE', 'orgB cannot be reached: orgB at h:1: connect ECONNREFUSED'],
    [
      new NotAgreedError(
        'ab',
        'orgB',
        { code: 'unreachable', reason: unreachable.message },
        { cause: unreachable },
      ),
      'UNREACHABLE',
      'orgB cannot be reached: orgB at h:1: connect ECONNREFUSED',
    ],
    [broken, 'UNREACHABLE', 'orgB: the connection with orgB broke'],
    [
      new ProtocolError('CLOSED', 'the session ended', { cause: broken }),
      'UNREACHABLE',
      'orgB: the connection with orgB broke',
    ],
    [new ProtocolError('CLOSED', 'no reason'), 'FAILED', 'orgB: the protocol ended: CLOSED'],
    [
      new ProtocolError('BUDGET_EXCEEDED', 'orgA may not learn so many values'),
      'FAILED',
      'orgB: its policy’s lifetime budget for opened values is used up, nothing beyond it was opened: its owner can raise "budgets" in the policy file',
    ],
    [new TaskError('PEER_FAILED', 'orgA: too few'), 'FAILED', 'orgA: too few'],
    [new TaskError('TOO_FEW_ROWS', 'too few'), 'FAILED', 'orgB: too few'],
    [new DatasetError('changed', 'd.csv: changed'), 'FAILED', 'orgB: d.csv: changed'],
    [new DatasetError('out_of_range', 'd.csv: row 3'), 'FAILED', 'orgB: d.csv: row 3'],
    [new ModelUseError('ask orgA'), 'NOT_AVAILABLE', 'orgB: ask orgA'],
    [new ModelFormatError('no part'), 'FAILED', 'orgB: no part'],
  ];

  for (const [error, code, message] of cases) {
    it(`${message} (${code})`, () => {
      const failure = apiErrorOf(error, 'orgB');
      deepEqual([failure.code, failure.message], [code, message]);
      equal(failure.cause, error);
    });
  }

  it('passes on what is in the interface’s terms already', () => {
    const error = new ApiError('UNKNOWN_PARTY', 'orgX');
    equal(apiErrorOf(error, 'orgB'), error);
  });
});

describe('what the other parties are told of a failure', () => {
  const cases: readonly (readonly [error: unknown, code: string, reason: string])[] = [
    [new DatasetError('changed', 'd.csv: changed'), 'dataset/changed', 'd.csv: changed'],
    [new ProtocolError('OUT_OF_DOMAIN', 'logits too large'), 'aborted', 'logits too large'],
    // Which of the common records it is, is for this side.
    [
      new DatasetError('out_of_range', 'd.csv: row 3'),
      'dataset/out_of_range',
      'a common record is too far from those that the model was trained on; the owner’s task names its row',
    ],
    // The text of any other protocol error is for this side.
    [
      new ProtocolError('MALFORMED_MESSAGE', '17 of 18 columns'),
      'aborted',
      'the protocol ended: MALFORMED_MESSAGE',
    ],
    [new ProtocolError('CLOSED', 'x', { cause: broken }), 'unreachable', broken.message],
    [broken, 'unreachable', broken.message],
    [new TaskError('STOPPED', 'the node was stopped'), 'aborted', 'the node was stopped'],
    [new UnsuitableColumnError('column x'), 'aborted', 'column x'],
  ];

  for (const [error, code, reason] of cases) {
    it(`${reason} (${code})`, () => {
      const refusal = runFailure(error);
      deepEqual(refusal, { code, reason });
      ok(isConsensusErrorCode(refusal.code));
    });
  }

  it('nothing of a fault', () => {
    for (const fault of [new Error('x = 4711'), new RangeError('4711'), '4711', undefined]) {
      const { code, reason } = runFailure(fault);
      equal(code, 'internal');
      ok(!reason.includes('4711'));
      ok(!apiErrorOf(fault, 'orgA').message.includes('4711'));
    }
  });
});
