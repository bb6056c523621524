import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A relay of TCP connections to a port on loopback, which tests slow down or cut. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks every connection, as a network does. */
  cut(): void;
  close(): Promise<void>;
}

/** Bytes on their way in one direction above which the relay stops reading. */
const IN_TRANSIT_BYTES = 64 << 20;

export async function startProxy(toPort: number, delayMs = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(toPort, '127.0.0.1');
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    relay(incoming, outgoing, delayMs);
    relay(outgoing, incoming, delayMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

function relay(from: Socket, to: Socket, delayMs: number): void {
  let inTransit = 0;
  from.on('data', (bytes) => {
    inTransit += bytes.length;
    if (inTransit > IN_TRANSIT_BYTES) from.pause();
    const deliver = (): void => {
      inTransit -= bytes.length;
      if (!to.destroyed) to.write(bytes);
      from.resume();
    };
    if (delayMs === 0) deliver();
    else setTimeout(deliver, delayMs);
  });
}
