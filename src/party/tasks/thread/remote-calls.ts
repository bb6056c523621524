/**
 * Calls from a task's thread to the main thread, which answers, and notices, which it does not. One
 * port carries them in order.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import type { CommittedDisclosure } from '../../audit/value-commitment.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { Checkpoint, ProgramContext, ProgramProgress } from '../program.ts';
import { ownBytes, transferList } from './own-buffer.ts';
import { packError, type RemoteError, unpackError } from './remote-error.ts';

/** What the main thread answers. It gives away what it answers with. */
export interface HostCalls {
  deriveKey(peer: string, purpose: string, length: number): Promise<Uint8Array>;
  loadDataset(): Promise<LoadedDataset>;
  loadModel(): ReturnType<ProgramContext['loadModel']>;
}

/** What the main thread is told. */
export interface HostNotices extends ProgramProgress {
  /** What the thread sends from then on is held back until this is kept; a refusal ends the task. */
  record(disclosure: CommittedDisclosure): void;
  save(checkpoint: Checkpoint): void;
}

/** A member of `T`, called: its name with its arguments. */
type Called<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => unknown
    ? { readonly name: K; readonly args: A }
    : never;
}[keyof T];

export type CallRequest =
  | ({ readonly kind: 'call'; readonly id: number } & Called<HostCalls>)
  | ({ readonly kind: 'notice' } & Called<HostNotices>);

export type CallAnswer =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly error: RemoteError };

export interface RemoteHost extends HostCalls, HostNotices {
  /** How often `record` was called. */
  readonly recorded: number;
  /** To be given every answer of the main thread. */
  answered(answer: CallAnswer): void;
  /** Every pending and later call throws this. */
  close(error: Error): void;
}

interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The thread's end. */
export function remoteHost(port: Pick<MessagePort, 'postMessage'>): RemoteHost {
  const waiting = new Map<number, Waiter>();
  let nextId = 0;
  let recorded = 0;
  let ended: Error | undefined;

  function call<K extends keyof HostCalls>(
    name: K,
    ...args: Parameters<HostCalls[K]>
  ): ReturnType<HostCalls[K]> {
    const answer = new Promise((resolve, reject) => {
      if (ended) throw ended;
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      port.postMessage({ kind: 'call', id, name, args });
    });
    return answer as ReturnType<HostCalls[K]>;
  }

  function notice(message: Called<HostNotices>, transfer: ArrayBuffer[] = []): void {
    port.postMessage({ kind: 'notice', ...message }, transfer);
  }

  return {
    deriveKey: (peer, purpose, length) => call('deriveKey', peer, purpose, length),
    loadDataset: () => call('loadDataset'),
    loadModel: () => call('loadModel'),
    get recorded() {
      return recorded;
    },
    record(disclosure) {
      recorded += 1;
      notice({ name: 'record', args: [disclosure] });
    },
    phase: (phase) => notice({ name: 'phase', args: [phase] }),
    step: (step, of) => notice({ name: 'step', args: [step, of] }),
    save: ({ step, bytes }) => {
      const copy = new Uint8Array(bytes); // the program keeps its own
      notice({ name: 'save', args: [{ step, bytes: copy }] }, transferList(copy));
    },
    answered(answer) {
      const waiter = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.kind === 'answer') waiter?.resolve(answer.value);
      else waiter?.reject(unpackError(answer.error));
    },
    close(error) {
      ended ??= error;
      for (const waiter of waiting.values()) waiter.reject(ended);
      waiting.clear();
    },
  };
}

/** The main thread's end: what it does with a request. Throws what a notice throws. */
export function answerCalls(
  port: Pick<Worker, 'postMessage'>,
  calls: HostCalls,
  notices: HostNotices,
): (request: CallRequest) => void {
  function answer(message: CallAnswer, transfer: ArrayBuffer[] = []): void {
    port.postMessage(message, transfer);
  }

  async function perform(request: Extract<CallRequest, { kind: 'call' }>): Promise<void> {
    const { id } = request;
    try {
      switch (request.name) {
        case 'deriveKey': {
          const value = ownBytes(await calls.deriveKey(...request.args));
          return answer({ kind: 'answer', id, value });
        }
        case 'loadDataset': {
          const value = await calls.loadDataset();
          const { features, label, keys, payload } = value;
          const texts = [...(keys ?? []), ...payload];
          const columns = texts.flatMap(({ bytes, starts }) => [bytes, starts]);
          return answer(
            { kind: 'answer', id, value },
            transferList(features, ...(label ? [label] : []), ...columns),
          );
        }
        case 'loadModel':
          return answer({ kind: 'answer', id, value: await calls.loadModel() });
      }
    } catch (error) {
      answer({ kind: 'refused', id, error: packError(error) });
    }
  }

  return (request) => {
    if (request.kind === 'call') {
      void perform(request); // never rejects
      return;
    }
    switch (request.name) {
      case 'record':
        return notices.record(...request.args);
      case 'phase':
        return notices.phase(...request.args);
      case 'step':
        return notices.step(...request.args);
      case 'save':
        return notices.save(...request.args);
    }
  };
}
