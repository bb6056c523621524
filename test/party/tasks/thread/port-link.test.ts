import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { SessionError } from '../../../../src/party/errors.ts';
import {
  bridgeLink,
  type PortLink,
  portLink,
} from '../../../../src/party/tasks/thread/port-link.ts';
import type { RecordGate } from '../../../../src/party/tasks/thread/record-gate.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';
import {
  type LinkMessage,
  linkChannel,
  type MessageLink,
} from '../../../../src/protocols/link-channel.ts';
import { memoryLinkPair } from '../../../../src/protocols/memory-channel.ts';
import { channelSuite } from '../../../contract/channel-suite.ts';
import { until } from '../../../support/until.ts';

const MIB = 1 << 20;

type Gate = Pick<RecordGate, 'after'>;

/** Everything is kept already. */
const OPEN: Gate = { after: (_, pass) => pass() };

/** Both ends of one bridge over a link. */
function bridged(
  link: MessageLink,
  gate: Gate = OPEN,
  records = { recorded: 0 },
): { readonly thread: PortLink; readonly close: () => Promise<void> } {
  const { port1, port2 } = new MessageChannel();
  const bridge = bridgeLink(port1, () => link, gate);
  return {
    thread: portLink(port2, records),
    async close() {
      const closed = [port1, port2].map((port) => once(port, 'close'));
      bridge.close();
      await Promise.all(closed);
    },
  };
}

interface Call<T> {
  readonly label: string;
  readonly bytes?: Uint8Array;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** A link that does what the test says, when it says so. */
function manualLink(): MessageLink & { sends: Call<void>[]; receives: Call<LinkMessage>[] } {
  const sends: Call<void>[] = [];
  const receives: Call<LinkMessage>[] = [];
  return {
    sends,
    receives,
    send: (label, _, bytes) =>
      new Promise((resolve, reject) => sends.push({ label, bytes, resolve, reject })),
    receive: (label) => new Promise((resolve, reject) => receives.push({ label, resolve, reject })),
  };
}

describe('link over a port', () => {
  describe('as a channel', () => {
    channelSuite(async (signal) => {
      const ends = memoryLinkPair().map((link) => bridged(link));
      signal.addEventListener('abort', () => {
        for (const { thread } of ends) thread.close(new Error('aborted'));
      });
      const [a, b] = ends.map(({ thread }) => linkChannel(thread));
      return {
        channels: [a!, b!],
        close: async () => {
          for (const { thread } of ends) thread.close(new Error('over'));
        },
      };
    });
  });

  it('gives long messages away and never a part of a pool', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    const long = new Uint8Array(MIB).fill(1);
    await thread.send('', 't', long);
    equal(long.length, 0, 'transferred');
    await thread.send('', 't', Buffer.from('pooled'));
    await until('the sends', () => link.sends.length === 2);
    deepEqual(
      link.sends.map(({ bytes }) => [bytes!.length, bytes!.buffer.byteLength]),
      [
        [MIB, MIB],
        [6, 6],
      ],
    );
    const received = thread.receive('');
    await until('the receives', () => link.receives.length === 1);
    link.receives[0]!.resolve({ type: 't', bytes: Buffer.from('pooled') });
    equal((await received).bytes.buffer.byteLength, 6);
    await close();
  });

  it('sends 4 MiB ahead, then waits until the link has taken some', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    for (let i = 0; i < 3; i++) await thread.send('', 't', new Uint8Array(MIB));
    let resolved = 0;
    const waiting = [4, 5].map(async () => {
      await thread.send('', 't', new Uint8Array(MIB));
      resolved += 1;
    });
    await until('the sends', () => link.sends.length === 5);
    await turn();
    equal(resolved, 0);
    link.sends[0]!.resolve();
    link.sends[1]!.resolve();
    await Promise.all(waiting);
    await close();
  });

  it('sends as much ahead, and no more, after a lot was taken', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    for (let i = 0; i < 3; i++) await thread.send('', 't', new Uint8Array(MIB));
    await until('the sends', () => link.sends.length === 3);
    for (const { resolve } of link.sends.splice(0)) resolve();
    await thread.flush();
    for (let i = 0; i < 3; i++) await thread.send('', 't', new Uint8Array(MIB));
    let resolved = false;
    const waiting = thread.send('', 't', new Uint8Array(MIB)).then(() => {
      resolved = true;
    });
    await until('the sends', () => link.sends.length === 4);
    await turn();
    equal(resolved, false);
    link.sends[0]!.resolve();
    await waiting;
    await close();
  });

  it('never leaves a send waiting for the last bytes taken', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    const sent = Array.from({ length: 5000 }, (_, i) =>
      thread.send('', 't', new Uint8Array(i % 3000)),
    );
    await until('the sends', () => link.sends.length === 5000);
    for (const { resolve } of link.sends) resolve();
    await Promise.all(sent);
    await close();
  });

  it('asks for a message when somebody receives, and label by label', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    await thread.send('', 't', new Uint8Array(1));
    await until('the sends', () => link.sends.length === 1);
    equal(link.receives.length, 0);
    const [x, y] = [thread.receive('/x'), thread.receive('/y')];
    await until('the receives', () => link.receives.length === 2);
    deepEqual(
      link.receives.map(({ label }) => label),
      ['/x', '/y'],
    );
    link.receives[1]!.resolve({ type: 'second', bytes: Uint8Array.of(2) });
    deepEqual(await y, { type: 'second', bytes: Uint8Array.of(2) });
    link.receives[0]!.resolve({ type: 'first', bytes: Uint8Array.of(1) });
    equal((await x).type, 'first');
    await close();
  });

  it('flushes once the link has taken everything', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    await thread.flush();
    await thread.send('', 't', new Uint8Array(1));
    await thread.send('', 't', new Uint8Array(1));
    let flushed = false;
    const flush = thread.flush().then(() => {
      flushed = true;
    });
    await until('the sends', () => link.sends.length === 2);
    link.sends[1]!.resolve();
    for (let i = 0; i < 10; i++) await turn();
    equal(flushed, false);
    link.sends[0]!.resolve();
    await flush;
    await close();
  });

  it('throws in the thread what the link threw, with what is behind it', async () => {
    const link = manualLink();
    const { thread, close } = bridged(link);
    const cause = new SessionError('UNREACHABLE', 'the connection with orgB broke');
    const error = new ProtocolError('CLOSED', cause.message, { cause });
    const isSame = (caught: unknown): boolean =>
      caught instanceof ProtocolError &&
      caught.code === 'CLOSED' &&
      caught.cause instanceof SessionError &&
      caught.cause.code === 'UNREACHABLE';
    const received = thread.receive('');
    const blocked = thread.send('', 't', new Uint8Array(5 * MIB));
    const flushed = thread.flush();
    await until('the receives', () => link.receives.length === 1 && link.sends.length === 1);
    link.receives[0]!.reject(error);
    link.sends[0]!.reject(error);
    await rejects(received, isSame);
    await rejects(blocked, isSame);
    await rejects(flushed, isSame);
    await rejects(thread.send('', 't', new Uint8Array(1)), isSame);
    // What had arrived stays receivable.
    const later = thread.receive('');
    await until('the receives', () => link.receives.length === 2);
    link.receives[1]!.resolve({ type: 't', bytes: Uint8Array.of(1) });
    equal((await later).type, 't');
    await close();
  });

  it('sends what was held back in order, once the records before it are kept', async () => {
    const link = manualLink();
    const records = { recorded: 0 };
    const held: [number, () => void][] = [];
    const gate: Gate = { after: (count, pass) => void held.push([count, pass]) };
    const { thread, close } = bridged(link, gate, records);
    await thread.send('', 't', Uint8Array.of(0));
    records.recorded = 2;
    await thread.send('', 't', Uint8Array.of(1));
    const flushed = thread.flush();
    await until('the messages', () => held.length === 2);
    deepEqual(
      held.map(([count]) => count),
      [0, 2],
    );
    equal(link.sends.length, 0);
    for (const [, pass] of held) pass();
    deepEqual(
      link.sends.map(({ bytes }) => [...bytes!]),
      [[0], [1]],
    );
    for (const { resolve } of link.sends) resolve();
    await flushed;
    await close();
  });

  it('sends nothing that is let pass after the end', async () => {
    const link = manualLink();
    const held: (() => void)[] = [];
    const { thread, close } = bridged(link, { after: (_, pass) => void held.push(pass) });
    await thread.send('', 't', Uint8Array.of(0));
    await until('the message', () => held.length === 1);
    await close();
    held[0]!();
    equal(link.sends.length, 0);
  });

  it('throws what asking for the link threw', async () => {
    const { port1, port2 } = new MessageChannel();
    const bridge = bridgeLink(
      port1,
      () => {
        throw new RangeError('no session with orgC');
      },
      OPEN,
    );
    const thread = portLink(port2, { recorded: 0 });
    await rejects(thread.receive(''), RangeError);
    await thread.send('', 't', new Uint8Array(1));
    await rejects(thread.flush(), RangeError);
    bridge.close();
    await once(port2, 'close');
  });

  it('ends pending and later calls with either end, and leaves no port', async () => {
    const ports = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    await until('the ports to go', () => ports() === 0);
    for (const end of ['bridge', 'thread'] as const) {
      const { thread, close } = bridged(manualLink());
      const pending = [
        thread.receive(''),
        thread.send('', 't', new Uint8Array(5 * MIB)),
        thread.flush(),
      ].map((call) => rejects(call, { code: 'CLOSED' }));
      if (end === 'bridge') await close();
      else thread.close(new Error('over'));
      await Promise.all(pending);
      await rejects(thread.receive(''), { code: 'CLOSED' });
      await rejects(thread.send('', 't', new Uint8Array(1)), { code: 'CLOSED' });
    }
    await until('the ports to go', () => ports() === 0);
    ok(true);
  });
});
