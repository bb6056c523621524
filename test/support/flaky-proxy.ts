import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A relay of TCP connections to a port on loopback that fails as networks do. */
export interface FlakyProxy {
  readonly port: number;
  /** Connections that it has taken so far, refused ones too. */
  readonly accepted: number;
  /** Resets every connection, at both ends. */
  cut(): void;
  /** Who is told of bytes that pass; one at a time. */
  onBytes: (n: number) => void;
  /** Resets every connection at the dialling end; the other never hears of it. */
  strand(): void;
  /** From now on resets each new connection, or no longer. */
  refuse(refusing: boolean): void;
  /** From now on nothing passes on the connections there are, which stay open. */
  freeze(): void;
  /** As `freeze`, for new connections too, until told otherwise. */
  blackHole(on: boolean): void;
  close(): Promise<void>;
}

/** Bytes on their way in one direction above which the relay stops reading. */
const IN_TRANSIT_BYTES = 64 << 20;

interface Connection {
  readonly incoming: Socket;
  readonly outgoing: Socket;
  frozen: boolean;
}

/** A proxy that delays what it relays by so much each way. */
export async function startProxy(toPort: number, delayMs = 0): Promise<FlakyProxy> {
  const connections = new Set<Connection>();
  let [accepted, refusing, holed] = [0, false, false];

  const server = createServer((incoming) => {
    accepted += 1;
    if (refusing) {
      incoming.resetAndDestroy();
      return;
    }
    const outgoing = connect(toPort, '127.0.0.1');
    const connection = { incoming, outgoing, frozen: holed };
    connections.add(connection);
    for (const socket of [incoming, outgoing]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        if (connection.frozen) return;
        connections.delete(connection);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    const relay = (from: Socket, to: Socket): void => {
      let inTransit = 0;
      from.on('data', (bytes) => {
        if (connection.frozen) return;
        inTransit += bytes.length;
        if (inTransit > IN_TRANSIT_BYTES) from.pause();
        const deliver = (): void => {
          inTransit -= bytes.length;
          from.resume();
          if (to.destroyed || connection.frozen) return;
          to.write(bytes, (error) => {
            if (!error) proxy.onBytes(bytes.length);
          });
        };
        if (delayMs === 0) deliver();
        else setTimeout(deliver, delayMs);
      });
    };
    relay(incoming, outgoing);
    relay(outgoing, incoming);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = (): void => {
    for (const { incoming, outgoing } of connections) {
      reset(incoming);
      reset(outgoing);
    }
    connections.clear();
  };
  const freeze = (): void => {
    for (const connection of connections) connection.frozen = true;
  };
  const proxy: FlakyProxy = {
    port: (server.address() as { port: number }).port,
    get accepted() {
      return accepted;
    },
    cut,
    onBytes: () => {},
    strand: () => {
      freeze();
      for (const { incoming } of connections) reset(incoming);
    },
    refuse: (on) => {
      refusing = on;
    },
    freeze,
    blackHole: (on) => {
      holed = on;
      if (on) freeze();
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

/** A socket whose end is on its way cannot be reset any more: its handle would stay open for good. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Resets every connection `times` times, after so many bytes each. The number of times so far. */
export function cutEvery(
  proxies: readonly FlakyProxy[],
  bytes: number,
  times: number,
): () => number {
  let [passed, cuts] = [0, 0];
  const onBytes = (n: number): void => {
    passed += n;
    if (passed < bytes || cuts === times) return;
    passed = 0;
    cuts += 1;
    for (const proxy of proxies) proxy.cut();
  };
  for (const proxy of proxies) proxy.onBytes = onBytes;
  return () => cuts;
}
