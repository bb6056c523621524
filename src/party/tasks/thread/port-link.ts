/**
 * A message link whose protocol runs in one thread and whose network lives in another, over a
 * `MessagePort`: `portLink` is the thread's end, `bridgeLink` the main thread's.
 *
 * Messages that were sent may be outstanding up to a window, so that a step of many sends does not
 * wait for the other thread each time. Each says how much its thread had recorded before, and leaves the
 * process only once that is kept (`record-gate.ts`). Receiving is on demand: the link on the main thread decides
 * by who waits whether it reads on, so it must know.
 */
import type { MessagePort } from 'node:worker_threads';
import { ProtocolError } from '../../../protocols/errors.ts';
import type { LinkMessage, MessageLink } from '../../../protocols/link-channel.ts';
import { ownBytes, transferList } from './own-buffer.ts';
import type { RecordGate } from './record-gate.ts';
import { packError, type RemoteError, unpackError } from './remote-error.ts';

/** Bytes sent and not yet taken by the link, above which `send` waits: own choice. */
const WINDOW_BYTES = 4 << 20;

/** Bytes taken before the main thread says so; well below the window. */
const ROOM_STEP_BYTES = WINDOW_BYTES / 4;

/** Counted for every message on top of its bytes: an empty one takes memory too. */
const MESSAGE_OVERHEAD_BYTES = 256;

/** From the thread. */
type LinkRequest =
  | {
      readonly kind: 'send';
      readonly label: string;
      readonly type: string;
      readonly bytes: Uint8Array;
      /** How many records come before it. */
      readonly recorded: number;
    }
  | { readonly kind: 'receive'; readonly id: number; readonly label: string }
  | { readonly kind: 'flush'; readonly id: number };

/** To the thread. */
type LinkAnswer =
  /** So many bytes were taken. */
  | { readonly kind: 'room'; readonly bytes: number }
  /** A message could not be sent; neither can any later one. */
  | { readonly kind: 'failed'; readonly error: RemoteError }
  | ({ readonly kind: 'message'; readonly id: number } & LinkMessage)
  | { readonly kind: 'refused'; readonly id: number; readonly error: RemoteError }
  | { readonly kind: 'flushed'; readonly id: number };

export interface PortLink extends MessageLink {
  /** Resolves once the link has taken everything that was sent; throws what kept it from that. */
  flush(): Promise<void>;
  /** Every pending and later call throws `CLOSED` with this cause. */
  close(cause: Error): void;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

const DONE = Promise.resolve();

/**
 * The thread's end.
 *
 * @param records - Counts what the thread has recorded so far.
 */
export function portLink(port: MessagePort, records: { readonly recorded: number }): PortLink {
  const receiving = new Map<number, Waiter<LinkMessage>>();
  const flushing = new Map<number, Waiter<void>>();
  let sending: Waiter<void>[] = [];
  let outstanding = 0;
  let nextId = 0;
  let unsendable: Error | undefined;
  let ended: Error | undefined;

  function post(request: LinkRequest, transfer: ArrayBuffer[] = []): void {
    port.postMessage(request, transfer);
  }

  function failSending(error: Error): void {
    unsendable ??= error;
    for (const waiter of sending.splice(0)) waiter.reject(unsendable);
  }

  function end(cause: Error): void {
    if (ended) return;
    ended = new ProtocolError('CLOSED', cause.message, { cause });
    failSending(ended);
    for (const waiter of [...receiving.values(), ...flushing.values()]) waiter.reject(ended);
    receiving.clear();
    flushing.clear();
    port.close();
  }

  function answered(answer: LinkAnswer): void {
    switch (answer.kind) {
      case 'message':
        receiving.get(answer.id)?.resolve({ type: answer.type, bytes: answer.bytes });
        receiving.delete(answer.id);
        return;
      case 'room': {
        outstanding -= answer.bytes;
        if (outstanding > WINDOW_BYTES) return;
        const free = sending;
        sending = [];
        for (const waiter of free) waiter.resolve();
        return;
      }
      case 'failed':
        failSending(unpackError(answer.error));
        return;
      case 'refused':
        receiving.get(answer.id)?.reject(unpackError(answer.error));
        receiving.delete(answer.id);
        return;
      case 'flushed': {
        const waiter = flushing.get(answer.id);
        flushing.delete(answer.id);
        if (unsendable) waiter?.reject(unsendable);
        else waiter?.resolve();
      }
    }
  }

  port.on('message', answered);
  port.on('close', () => end(new Error('the other thread closed the link')));

  return {
    send(label, type, bytes) {
      if (unsendable) return Promise.reject(unsendable);
      const own = ownBytes(bytes);
      outstanding += own.length + MESSAGE_OVERHEAD_BYTES; // before the transfer empties it
      const { recorded } = records;
      post({ kind: 'send', label, type, bytes: own, recorded }, transferList(own));
      if (outstanding <= WINDOW_BYTES) return DONE;
      return new Promise((resolve, reject) => sending.push({ resolve, reject }));
    },

    receive(label) {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        receiving.set(id, { resolve, reject });
        post({ kind: 'receive', id, label });
      });
    },

    flush() {
      if (unsendable) return Promise.reject(unsendable);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        flushing.set(id, { resolve, reject });
        post({ kind: 'flush', id });
      });
    },

    close: end,
  };
}

export interface LinkBridge {
  /** Takes no more from the thread and tells it nothing more. The link itself stays as it is. */
  close(): void;
}

/**
 * The main thread's end. `link` is asked for at the first message; when it throws, every call of the
 * thread throws the same.
 *
 * @param gate - Lets a message pass once what was recorded before it is kept.
 */
export function bridgeLink(
  port: MessagePort,
  link: () => MessageLink,
  gate: Pick<RecordGate, 'after'>,
): LinkBridge {
  let taken = 0; // bytes that the thread was not told of yet
  let pending = 0;
  const flushing: number[] = [];
  let isClosed = false;

  function answer(message: LinkAnswer, transfer: ArrayBuffer[] = []): void {
    port.postMessage(message, transfer); // nothing happens once it is closed
  }

  function settled(): void {
    pending -= 1;
    if (pending > 0) return;
    for (const id of flushing.splice(0)) answer({ kind: 'flushed', id });
  }

  function sent(bytes: number): void {
    taken += bytes;
    if (taken >= ROOM_STEP_BYTES) {
      answer({ kind: 'room', bytes: taken });
      taken = 0;
    }
    settled();
  }

  function notSent(error: unknown): void {
    answer({ kind: 'failed', error: packError(error) });
    settled();
  }

  function received(id: number, { type, bytes }: LinkMessage): void {
    const own = ownBytes(bytes);
    answer({ kind: 'message', id, type, bytes: own }, transferList(own));
  }

  function pass({ label, type, bytes }: LinkMessage & { readonly label: string }): void {
    if (isClosed) return;
    const size = bytes.length + MESSAGE_OVERHEAD_BYTES;
    try {
      link()
        .send(label, type, bytes)
        .then(() => sent(size), notSent);
    } catch (error) {
      notSent(error);
    }
  }

  function requested(request: LinkRequest): void {
    switch (request.kind) {
      case 'send':
        pending += 1;
        gate.after(request.recorded, () => pass(request));
        return;
      case 'receive': {
        const { id, label } = request;
        const refused = (error: unknown): void =>
          answer({ kind: 'refused', id, error: packError(error) });
        try {
          link()
            .receive(label)
            .then((message) => received(id, message), refused);
        } catch (error) {
          refused(error);
        }
        return;
      }
      case 'flush':
        if (pending > 0) flushing.push(request.id);
        else answer({ kind: 'flushed', id: request.id });
    }
  }

  port.on('message', requested);
  return {
    close() {
      isClosed = true;
      port.off('message', requested);
      port.close();
    },
  };
}
