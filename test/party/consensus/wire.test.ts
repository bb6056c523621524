import { deepEqual, equal, rejects } from 'node:assert/strict';
import {
  ConsensusError,
  isConsensusErrorCode,
  refusalOf,
} from '../../../src/party/consensus/errors.ts';
import {
  callPeer,
  decodeHash,
  decodeRefusal,
  encodeHash,
  encodeRefusal,
  METHODS,
} from '../../../src/party/consensus/wire.ts';
import { RefusalError, SessionError } from '../../../src/party/errors.ts';
import type { ControlClient } from '../../../src/party/transport/control.ts';
import { refuses, refusesAsync } from '../../support/refusals.ts';

describe('refusals on the wire', () => {
  it('keep code and reason', () => {
    for (const code of ['refused_by_policy', 'dataset/missing_column', 'internal'] as const) {
      const refusal = { code, reason: 'because – ü' };
      deepEqual(decodeRefusal(encodeRefusal(refusal)), refusal);
    }
  });

  it('take what they do not know for a fault', () => {
    const codes = [
      '',
      'INTERNAL',
      'dataset/',
      'dataset/X',
      'dataset/a/b',
      `dataset/${'a'.repeat(99)}`,
    ];
    for (const code of codes) {
      equal(isConsensusErrorCode(code), false, code);
      equal(decodeRefusal({ code, reason: '' }).code, 'internal', code);
    }
    deepEqual(decodeRefusal(undefined), { code: 'internal', reason: '' });
  });

  it('carry no text that could forge a log line or steer a terminal, both ways', () => {
    const reason = 'a\r\nb\u001b[2Jc\u2028d\u202ee\ud800f';
    const clean = 'a  b [2Jc d e f';
    equal(decodeRefusal({ code: 'internal', reason }).reason, clean);
    equal(encodeRefusal({ code: 'internal', reason }).reason, clean);
    equal(decodeRefusal({ code: 'internal', reason: 'x'.repeat(513) }).reason.length, 512);
  });

  it('tell nothing of an error that is no refusal', () => {
    equal(refusalOf(new Error('/srv/key')).code, 'internal');
    equal(refusalOf(new Error('/srv/key')).reason.includes('/srv'), false);
    deepEqual(refusalOf(new ConsensusError('expired', 'over')), {
      code: 'expired',
      reason: 'over',
    });
  });
});

describe('hashes on the wire', () => {
  it('have 32 bytes', () => {
    const hex = 'a0'.repeat(32);
    equal(decodeHash(encodeHash(hex), 'task_id'), hex);
    for (const size of [0, 31, 33]) {
      refuses(() => decodeHash(new Uint8Array(size), 'task_id'), 'malformed_message', 'task_id');
    }
  });
});

describe('calling a peer', () => {
  const request = { taskId: new Uint8Array(32), refused: undefined, party: '' };
  const failing = (error: Error): Promise<unknown> => {
    const peers: ControlClient = { call: () => Promise.reject(error) };
    return callPeer(peers, 'orgB', METHODS.abort, request, {});
  };

  it('turns what the transport says into a refusal', async () => {
    await refusesAsync(failing(new SessionError('TIMED_OUT', 'x')), 'timed_out', 'orgB');
    for (const code of ['UNREACHABLE', 'WRONG_KEY', 'NOT_ACCEPTED', 'MALFORMED'] as const) {
      await refusesAsync(failing(new SessionError(code, 'x')), 'unreachable', 'orgB');
    }
    await refusesAsync(failing(new RefusalError('UNKNOWN_METHOD', 'x')), 'internal', 'orgB');
  });

  it('leaves a fault of this node what it is', async () => {
    await rejects(failing(new RangeError('bug')), RangeError);
  });
});
