/** The thread of `thread.ts`: sends back, sends or receives messages, as its contract's purpose says. */
import { isMainThread } from 'node:worker_threads';
import type { Contract } from '../src/party/consensus/contract.ts';
import type { Program, ProgramResult } from '../src/party/tasks/program.ts';
import { serveTask } from '../src/party/tasks/thread/serve-task.ts';
import type { Channel, MessageType } from '../src/protocols/channel.ts';
import { systemRng } from '../src/protocols/primitives/rng.ts';

/** What the program does with the peer's channel. */
export type Turn = 'echo' | 'send' | 'receive';

export interface ThreadWork {
  readonly turn: Turn;
  readonly messages: number;
  readonly bytes: number;
}

export const Raw: MessageType<Uint8Array> = {
  $type: 'entente.bench.Raw',
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
};

export const EMPTY: Uint8Array = Uint8Array.of();

/** The program's half of a measurement; also run without a thread, to compare. */
export async function work(channel: Channel, { turn, messages, bytes }: ThreadWork): Promise<void> {
  await channel.send(Raw, EMPTY); // the thread has started
  await channel.receive(Raw);
  for (let i = 0; i < messages; i++) {
    if (turn === 'echo') await channel.send(Raw, await channel.receive(Raw));
    else if (turn === 'send') await channel.send(Raw, new Uint8Array(bytes));
    else await channel.receive(Raw);
  }
  if (turn === 'receive') await channel.send(Raw, EMPTY); // all were there
}

const RESULT: ProgramResult = { model: null, part: null, file: null, metrics: null, extra: {} };

async function programOf({ purpose }: Contract): Promise<Program<Contract>> {
  return async (context) => {
    const peer = context.contract.parties.find(({ name }) => name !== context.self)!;
    await work(context.link(peer.name).channel, JSON.parse(purpose) as ThreadWork);
    return RESULT;
  };
}

if (!isMainThread) await serveTask(programOf, systemRng);
