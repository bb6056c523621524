import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { ControlRequest, Refusal } from '../../../proto/gen/control.ts';
import { RefusalError, SessionError } from '../../../src/party/errors.ts';
import type { ControlMethod } from '../../../src/party/transport/control.ts';
import { rawType } from '../../contract/channel-suite.ts';
import { type Node, startNodes, stopNodes } from '../../support/transports.ts';

const method = <Q, R>(
  name: string,
  request: ControlMethod<Q, R>['request'],
  response: ControlMethod<Q, R>['response'],
): ControlMethod<Q, R> => ({ name, request, response });

const ECHO = method('test/echo', ControlRequest, ControlRequest);
const REFUSE = method('test/refuse', Refusal, Refusal);
const FAIL = method('test/fail', Refusal, Refusal);
const HANG = method('test/hang', Refusal, Refusal);
const NOBODY = method('test/nobody', Refusal, Refusal);
const NONSENSE = method('test/echo', rawType('nonsense'), rawType('nonsense'));
const MISREAD = method('test/echo', ControlRequest, {
  ...rawType('misread'),
  decode: (): Uint8Array => {
    throw new Error('does not decode');
  },
});

const EMPTY: Refusal = { code: '', reason: '' };

describe('control plane', () => {
  let nodes: Node[];
  let a: Node;
  /** Settles when a hanging handler learns that its caller is gone. */
  let released: Promise<void>;
  /** Settles when a handler has begun to hang. */
  let hanging: Promise<void>;

  before(async () => {
    nodes = await startNodes(['orgA', 'orgB']);
    a = nodes[0]!;
    const { transport } = nodes[1]!;
    transport.handle(ECHO, async (from, { method: name, body }) => ({
      method: `${from.name} ${name}`,
      body,
    }));
    transport.handle(REFUSE, async () => {
      throw new RefusalError('NOT_TODAY', 'come back tomorrow');
    });
    transport.handle(FAIL, async () => {
      throw new Error('a secret path');
    });
    let release = (): void => {};
    let hang = (): void => {};
    released = new Promise((resolve) => (release = resolve));
    hanging = new Promise((resolve) => (hang = resolve));
    transport.handle(HANG, (_from, _request, { signal }) => {
      hang();
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          release();
          reject(new Error('gone'));
        }),
      );
    });
  });

  after(() => stopNodes(nodes));

  it('answers with what the handler returns, and knows the caller', async () => {
    const body = Uint8Array.of(1, 2, 3);
    const answer = await a.transport.call('orgB', ECHO, { method: 'm', body });
    deepEqual(answer, { method: 'orgA m', body });
  });

  it('passes on a refusal, code and text', async () => {
    await rejects(a.transport.call('orgB', REFUSE, EMPTY), (error) => {
      equal((error as RefusalError).code, 'NOT_TODAY');
      equal((error as RefusalError).message, 'come back tomorrow');
      return error instanceof RefusalError;
    });
  });

  it('passes on nothing of any other error', async () => {
    await rejects(a.transport.call('orgB', FAIL, EMPTY), (error) => {
      ok(error instanceof SessionError);
      equal(error.code, 'PEER_FAILED');
      equal(error.message.includes('secret'), false);
      return true;
    });
  });

  it('says when the peer does not serve a method', () =>
    rejects(a.transport.call('orgB', NOBODY, EMPTY), { code: 'UNKNOWN_METHOD' }));

  it('refuses a request that does not decode', () =>
    rejects(a.transport.call('orgB', NONSENSE, Uint8Array.of(0x0a, 200)), { code: 'MALFORMED' }));

  it('refuses an answer that does not decode', () =>
    rejects(a.transport.call('orgB', MISREAD, { method: '', body: new Uint8Array(0) }), {
      code: 'MALFORMED',
    }));

  it('carries 4 MiB less the envelope, and no more', async () => {
    const body = new Uint8Array((4 << 20) - 2048);
    equal((await a.transport.call('orgB', ECHO, { method: '', body })).body.length, body.length);
    const long = { method: '', body: new Uint8Array(4 << 20) };
    await rejects(a.transport.call('orgB', ECHO, long), { code: 'TOO_LARGE' });
  });

  it('gives up in time', () =>
    rejects(a.transport.call('orgB', HANG, EMPTY, { timeoutMs: 100 }), { code: 'TIMED_OUT' }));

  it('gives up when told to, and tells the handler', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const call = a.transport.call('orgB', HANG, EMPTY, { signal });
    await hanging;
    controller.abort();
    await rejects(call, { code: 'CANCELLED' });
    await released;
    await rejects(a.transport.call('orgB', HANG, EMPTY, { signal }), { code: 'CANCELLED' });
  });

  it('has one handler a method', () => {
    throws(() => nodes[1]!.transport.handle(ECHO, async (_from, request) => request), RangeError);
  });
});
