/** One of the two processes of the channel benchmark. Does what its parent asks, one at a time. */
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { ControlRequest } from '../proto/gen/control.ts';
import { Identity } from '../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../src/party/peers.ts';
import { memoryAttempts } from '../src/party/transport/attempts.ts';
import { WINDOW_BYTES } from '../src/party/transport/data-plane.ts';
import type { Session } from '../src/party/transport/session.ts';
import { dial, TlsListener } from '../src/party/transport/tls.ts';
import { Transport } from '../src/party/transport/transport.ts';
import type { MessageType } from '../src/protocols/channel.ts';

export type Command =
  | { readonly do: 'start'; readonly key: string; readonly certificate: string }
  | { readonly do: 'pin'; readonly peer: PeerRecord & { readonly bareAddress: string } }
  | { readonly do: 'open' }
  | {
      readonly do: 'stream' | 'echo';
      readonly way: 'channel' | 'protobuf' | 'bare';
      readonly bytes: number;
      readonly messages: number;
    }
  | { readonly do: 'finish' };

export interface Outcome {
  readonly sentHash: string;
  readonly receivedHash: string;
  readonly bytesSent: number;
  readonly peakRssMb: number;
}

export interface Answer {
  readonly error?: string;
  readonly port?: number;
  readonly barePort?: number;
  /** What the receiving party measured. */
  readonly seconds: number;
  /** Processor time of this party, all threads. */
  readonly cpuSeconds: number;
  readonly outcome?: Outcome;
}

const Raw: MessageType<Uint8Array> = {
  $type: 'entente.bench.Raw',
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
};

const raw = {
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
};

const BARE: grpc.ServiceDefinition = {
  stream: { path: '/bare/stream', requestStream: false, responseStream: true, ...raw },
  echo: { path: '/bare/echo', requestStream: true, responseStream: true, ...raw },
};

let identity: Identity;
let transport: Transport;
let listener: TlsListener;
let server: grpc.Server;
let client: grpc.Client;
let session: Session;
/** The first name sends streams and echoes; the second receives, asks and measures. */
let sends: boolean;
let peerName: string;

async function handle(command: Command): Promise<Partial<Answer>> {
  switch (command.do) {
    case 'start':
      return start(command.key, command.certificate);
    case 'pin': {
      const { bareAddress, ...peer } = command.peer;
      peerName = peer.name;
      sends = identity.name < peer.name;
      transport.setPeers(peerBook([peer]));
      listener.setPeers(peerBook([peer]));
      client = dial(
        identity,
        { ...peer, address: bareAddress },
        {
          'grpc-node.flow_control_window': WINDOW_BYTES,
        },
      );
      return {};
    }
    case 'open':
      session = await transport.openSession({
        peer: peerName,
        taskId: new Uint8Array(32),
        certificateDigest: new Uint8Array(32),
        attempt: 1,
      });
      return {};
    case 'stream':
    case 'echo': {
      const [began, cpu] = [performance.now(), process.cpuUsage()];
      const { way, bytes, messages } = command;
      if (way === 'bare') await (command.do === 'stream' ? bareStream : bareEcho)(bytes, messages);
      else if (command.do === 'stream') await stream(way, bytes, messages);
      else await echo(way, bytes, messages);
      const { user, system } = process.cpuUsage(cpu);
      return {
        seconds: (performance.now() - began) / 1000,
        cpuSeconds: (user + system) / 1e6,
      };
    }
    case 'finish':
      return finish();
  }
}

async function start(key: string, certificate: string): Promise<Partial<Answer>> {
  identity = new Identity(createPrivateKey(key), certificate);
  const at = { host: '127.0.0.1', port: 0 };
  transport = new Transport({ identity, ...at, attempts: memoryAttempts() });
  server = new grpc.Server({ 'grpc.enable_channelz': 0 });
  server.addService(BARE, {
    stream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => void serveBareStream(call),
    echo: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (bytes: Buffer) => call.write(bytes));
      call.on('end', () => call.end());
    },
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  listener = new TlsListener(
    identity,
    peerBook([]),
    (socket) => injector.injectConnection(socket),
    () => {},
  );
  return { port: await transport.start(), barePort: await listener.start(at.host, at.port) };
}

async function serveBareStream(call: grpc.ServerWritableStream<Buffer, Buffer>): Promise<void> {
  const [bytes, messages] = [call.request.readUInt32BE(0), call.request.readUInt32BE(4)];
  for (let i = 0; i < messages; i++) {
    if (!call.write(Buffer.allocUnsafe(bytes).fill(1, 0, 8))) await once(call, 'drain');
  }
  call.end();
}

async function bareStream(bytes: number, messages: number): Promise<void> {
  if (sends) return;
  const request = Buffer.alloc(8);
  request.writeUInt32BE(bytes, 0);
  request.writeUInt32BE(messages, 4);
  const { path, requestSerialize, responseDeserialize } = BARE.stream!;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  let received = 0;
  for await (const message of call) received += (message as Buffer).length;
  check(received === bytes * messages);
}

async function bareEcho(bytes: number, messages: number): Promise<void> {
  if (sends) return;
  const { path, requestSerialize, responseDeserialize } = BARE.echo!;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const message = Buffer.alloc(bytes);
  for (let i = 0; i < messages; i++) {
    const answered = once(call, 'data') as Promise<[Buffer]>;
    call.write(message);
    check((await answered)[0].length === bytes);
  }
  call.end();
  await once(call, 'end');
}

/** As the bare stream makes a new message each time, so does this. */
async function stream(way: 'channel' | 'protobuf', bytes: number, messages: number): Promise<void> {
  const { channel } = session;
  for (let i = 0; i < messages; i++) {
    if (sends) {
      const body = Buffer.allocUnsafe(bytes).fill(1, 0, 8);
      if (way === 'channel') await channel.send(Raw, body);
      else await channel.send(ControlRequest, { method: '', body });
    } else if (way === 'channel') {
      check((await channel.receive(Raw)).length === bytes);
    } else {
      check((await channel.receive(ControlRequest)).body.length === bytes);
    }
  }
}

async function echo(way: 'channel' | 'protobuf', bytes: number, messages: number): Promise<void> {
  const { channel } = session;
  const body = new Uint8Array(bytes);
  for (let i = 0; i < messages; i++) {
    if (way === 'channel') {
      if (sends) await channel.send(Raw, await channel.receive(Raw));
      else {
        await channel.send(Raw, body);
        check((await channel.receive(Raw)).length === bytes);
      }
    } else if (sends) {
      await channel.send(ControlRequest, await channel.receive(ControlRequest));
    } else {
      await channel.send(ControlRequest, { method: '', body });
      check((await channel.receive(ControlRequest)).body.length === bytes);
    }
  }
}

async function finish(): Promise<Partial<Answer>> {
  const { sent, received } = session.receipt();
  const outcome = {
    sentHash: Buffer.from(sent.hash).toString('hex'),
    receivedHash: Buffer.from(received.hash).toString('hex'),
    bytesSent: session.channel.stats.bytesSent,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  };
  await session.close();
  client.close();
  server.forceShutdown();
  await listener.stop();
  await transport.stop();
  return { outcome };
}

function check(right: boolean): void {
  if (!right) throw new Error('a message of the wrong length arrived');
}

process.once('disconnect', () => process.exit()); // finished, or the parent has gone
process.on('message', (command: Command) => {
  handle(command).then(
    (answer) => process.send!({ seconds: 0, cpuSeconds: 0, ...answer } satisfies Answer),
    (error: Error) =>
      process.send!({ seconds: 0, cpuSeconds: 0, error: error.message } satisfies Answer),
  );
});
