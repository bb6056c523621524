import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TaskView } from '../../src/sdk/node-client.ts';

/** What the fake answers to one call: a result, or an error with its status and code. */
export type FakeAnswer =
  | { readonly result: unknown }
  | { readonly status: number; readonly msg: string; readonly code?: string };

export interface FakeCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: unknown;
  readonly token: string | null;
}

/** A server that answers like a node, call by call as a test says. */
export interface FakeNode {
  readonly url: string;
  readonly port: number;
  /** Every call, in order. */
  readonly calls: FakeCall[];
  /** Answers by `METHOD /path`, without the query. */
  readonly answers: Map<string, FakeAnswer>;
  /** The views that the events of a task show; the last one is its end, unless `hang` is set. */
  events: readonly TaskView[];
  hang: boolean;
  close(): Promise<void>;
}

export async function startFakeNode(): Promise<FakeNode> {
  const calls: FakeCall[] = [];
  const answers = new Map<string, FakeAnswer>();
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const { method = '', url: path = '/' } = request;
    const token = request.headers.authorization?.replace('Bearer ', '') ?? null;
    calls.push({ method, path, body: text === '' ? null : JSON.parse(text), token });
    const plain = path.split('?')[0]!;
    if (plain.endsWith('/events')) return stream(response);
    const found = answers.get(`${method} ${plain}`);
    if (found && 'result' in found) {
      const body = { status: 200, result: found.result, msg: 'success' };
      // A model's document is the body itself.
      return reply(response, 200, plain.endsWith('/document') ? found.result : body);
    }
    const { status, msg, code } = found ?? { status: 404, msg: 'there is no such operation' };
    reply(response, status, { status, result: null, msg, ...(code !== undefined && { code }) });
  }
  function stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [i, view] of node.events.entries()) {
      const type = i === node.events.length - 1 && !node.hang ? 'end' : 'progress';
      const data = JSON.stringify({ time: view.created_at, ...view });
      response.write(`id: ${i + 1}\nevent: ${type}\ndata: ${data}\n\n`);
    }
    if (!node.hang) response.end();
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const node: FakeNode = {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    answers,
    events: [],
    hang: false,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return node;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** A completed training, as the HTTP interface shows it, with some of it changed. */
export function taskView(changes: Partial<TaskView> = {}): TaskView {
  return {
    task_id: 'ab'.repeat(32),
    kind: 'train',
    algorithm: 'logistic_regression',
    initiator: 'bank',
    parties: ['bank', 'partner'],
    receivers: ['bank'],
    purpose: 'credit scoring',
    state: 'completed',
    phase: 'done',
    awaits_approval: false,
    attempt: 1,
    progress: {
      percentage: 100,
      iteration: null,
      iterations: null,
      bytes_sent: 1200,
      bytes_received: 25_600_000,
      bytes_per_second: 0,
      seconds_remaining: null,
    },
    created_at: '2026-03-01T12:00:00.000Z',
    started_at: '2026-03-01T12:00:01.000Z',
    finished_at: '2026-03-01T12:00:22.000Z',
    model_id: 'model-1',
    path: `results/${'ab'.repeat(32)}/model.json`,
    type: 'json',
    extra: JSON.stringify({ warnings: [{ code: 'X', message: 'depth is not known; ignored' }] }),
    metrics: { auc: 0.717_23, ks: null },
    error: null,
    ...changes,
  };
}

/** The same task on its way. */
export function runningView(percentage: number, changes: Partial<TaskView> = {}): TaskView {
  const { progress, ...ended } = taskView();
  return {
    ...ended,
    state: 'running',
    phase: 'training',
    progress: {
      ...progress,
      percentage,
      iteration: 7,
      iterations: 20,
      bytes_per_second: 3_400_000,
      seconds_remaining: 95,
    },
    finished_at: null,
    model_id: null,
    path: null,
    type: null,
    extra: null,
    metrics: null,
    ...changes,
  };
}
