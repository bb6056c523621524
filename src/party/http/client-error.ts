/** Requests that are no HTTP, or come too slowly: answered with what can be said, then cut. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const MESSAGE_OF: Readonly<Record<number, string>> = {
  400: 'the request is not valid HTTP',
  408: 'the request took too long to arrive',
  431: 'the headers of the request are too large',
};

/** Answers a connection whose request cannot be read. */
export function answerClientError(
  error: { readonly code?: string },
  socket: Pick<Socket, 'writable' | 'destroyed' | 'write' | 'destroy' | 'end'>,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF[error.code ?? ''] ?? 400;
  const body = JSON.stringify({
    status,
    result: null,
    msg: MESSAGE_OF[status],
    code: 'INVALID_REQUEST',
  });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-ID: ${randomUUID()}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  );
}
