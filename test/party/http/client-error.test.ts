import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { answerClientError } from '../../../src/party/http/client-error.ts';
import { createListener, LIMITS } from '../../../src/party/http/listener.ts';
import { FakeTasks } from '../../support/fake-tasks.ts';
import { as, fakeServer } from '../../support/http-server.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** What comes back for some bytes, until the other side closes. */
function exchange(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => undefined).on('close', () => resolve(text));
  });
}

async function withPort(server: Server, use: (port: number) => Promise<void>): Promise<void> {
  server.on('clientError', answerClientError);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function bodyOf(response: string): { status: number; result: unknown; msg: string; code: string } {
  return JSON.parse(response.split('\r\n\r\n')[1]!);
}

describe('client errors', () => {
  it('are answered in JSON when a request is no HTTP, and close the connection', () =>
    withPort(
      createListener({ host: '::1' }, (_, response) => response.end('ok')),
      async (port) => {
        for (const bytes of [
          'NONSENSE\r\n\r\n',
          'GET / HTTP/9.9\r\n\r\n',
          'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
          'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc',
          'GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n',
          '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        ]) {
          const response = await exchange(port, bytes);
          match(response, /^HTTP\/1\.1 400 Bad Request\r\n/, JSON.stringify(bytes));
          match(response, /\r\nX-Request-ID: [0-9a-f-]{36}\r\n/);
          match(response, /\r\nConnection: close\r\n/);
          deepEqual(bodyOf(response), {
            status: 400,
            result: null,
            msg: 'the request is not valid HTTP',
            code: 'INVALID_REQUEST',
          });
        }
        match(await exchange(port, 'GET / HTTP/1.0\r\n\r\n'), /ok$/, 'and the server goes on');
      },
    ));

  it('are answered when the headers are too large', () =>
    withPort(
      createListener({ host: '::1' }, (_, response) => response.end('ok')),
      async (port) => {
        const large = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(LIMITS.maxHeaderSize)}\r\n\r\n`;
        const response = await exchange(port, large);
        match(response, /^HTTP\/1\.1 431 /);
        equal(bodyOf(response).msg, 'the headers of the request are too large');
      },
    ));

  it('are answered when a request comes too slowly', () => {
    const limits = {
      ...LIMITS,
      headersTimeout: 50,
      requestTimeout: 100,
      connectionsCheckingInterval: 10,
    };
    let bodies = 0;
    const listener = createListener(
      { host: '::1' },
      (request) => request.on('data', () => bodies++).on('error', () => undefined),
      limits,
    );
    return withPort(listener, async (port) => {
      const head = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n'); // never ends
      match(head, /^HTTP\/1\.1 408 Request Timeout\r\n/);
      equal(bodyOf(head).msg, 'the request took too long to arrive');
      const body = await exchange(
        port,
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n',
        'a', // and nothing more
      );
      match(body, /^HTTP\/1\.1 408 /);
      equal(bodies, 1);
    });
  });

  it('never write to a connection that is gone', () => {
    for (const state of [
      { destroyed: true, writable: true },
      { destroyed: false, writable: false },
    ]) {
      let destroyed = 0;
      const refuse = (): never => {
        throw new Error('written');
      };
      const socket = {
        ...state,
        write: refuse,
        end: refuse,
        destroy: () => {
          destroyed++;
        },
      };
      answerClientError({ code: 'HPE_INVALID_METHOD' }, socket as never);
      equal(destroyed, 1);
    }
  });

  it('leave a node that serves, whatever bytes come', async () => {
    const server = fakeServer({ tasks: new FakeTasks() });
    const address = await server.start();
    const port = Number(new URL(address).port);
    const rng = seededRng('malformed http');
    const request = Buffer.from(
      'POST /runPSITask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n' +
        'Authorization: Bearer token-of-coordinator\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    try {
      const answers = { '4xx': 0, none: 0 };
      for (let i = 0; i < 300; i++) {
        const bytes = Buffer.from(i % 3 === 0 ? rng(1 + (i % 64)) : request);
        for (const at of rng(1 + (i % 3))) bytes[at % bytes.length] = rng(1)[0]!;
        // A request that was cut short, and so would wait, ends with what can be no request.
        const response = await exchange(port, bytes, '\r\n\r\n\0\0\r\n\r\n{}\0\r\n\r\n\0');
        if (response === '') answers.none++;
        else {
          match(response, /^HTTP\/1\.1 4\d\d /, JSON.stringify(bytes.toString('latin1')));
          answers['4xx']++;
        }
      }
      ok(answers['4xx'] > 200, JSON.stringify(answers));
      const reply = await fetch(`${address}/api/v1/tasks`, { headers: as('auditor') });
      equal(reply.status, 200);
    } finally {
      await server.stop();
    }
  });

  it('are met with limits on everything that a caller can take', () => {
    const server = createListener({ host: '127.0.0.1' }, () => undefined);
    const plain = createServer();
    ok(server.headersTimeout < plain.headersTimeout);
    ok(server.requestTimeout < plain.requestTimeout);
    ok(server.maxConnections > 0 && server.maxConnections < 100_000);
    ok(server.keepAliveTimeout > 0);
  });
});
