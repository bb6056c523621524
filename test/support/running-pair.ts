/** Organisations whose nodes run as processes of their own, for one `describe` block. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Organisation,
  type StartOptions,
  startOrganisations,
} from '../../examples/organisation.ts';
import type { TaskView } from '../../src/sdk/node-client.ts';
import { scratchFolder } from './scratch-folder.ts';

/** Far above what anything polled for takes on a busy machine. */
const PATIENCE_MS = 45_000;
const POLL_MS = 20;

/** Of all nodes' processes together, on a busy machine. */
const START_MS = 60_000;

export interface RunningPair {
  readonly a: Organisation;
  readonly b: Organisation;
}

/** Nodes of these names, started before the block's tests and stopped after them. */
export function runningNodes<N extends string>(
  names: readonly N[],
  options: StartOptions = {},
): (name: N) => Organisation {
  const folder = scratchFolder();
  let nodes: readonly Organisation[] = [];
  before('start the nodes', async function () {
    this.timeout(START_MS);
    nodes = await startOrganisations(join(folder.path, 'nodes'), names, options);
  });
  after('stop them', async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });
  return (name) => nodes[names.indexOf(name)]!;
}

/** orgA and orgB, whose policies allow joint training unless told. */
export function runningPair(
  env: Readonly<Record<string, string>> = {},
  algorithms?: readonly string[],
): RunningPair {
  const at = runningNodes(['orgA', 'orgB'], { env, ...(algorithms && { algorithms }) });
  return {
    get a() {
      return at('orgA');
    },
    get b() {
      return at('orgB');
    },
  };
}

/** Writes a file into the organisation's data folder; returns its name. */
export function putData(organisation: Organisation, name: string, content: string): string {
  writeFileSync(join(organisation.directory, 'data', name), content);
  return name;
}

/** What the node said to one call. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly result: Record<string, unknown> | null;
  readonly msg: string;
}

/** A call of `runModelTrainTask` as any HTTP client could make it; a string is sent as it is. */
export async function postTrain(
  organisation: Organisation,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Answer> {
  const response = await fetch(`http://${organisation.http}/runModelTrainTask`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${organisation.token}`,
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const { result, msg } = JSON.parse(text) as Pick<Answer, 'result' | 'msg'>;
  return { status: response.status, headers: response.headers, text, result, msg };
}

/** The first value that `look` finds. Fails, with what it looked for, when there is none in time. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The task as this node shows it once it has ended, in whatever way. */
export function endedTask(organisation: Organisation, taskId: string): Promise<TaskView> {
  return eventually(`the end of ${taskId} at ${organisation.name}`, async () => {
    // An invited node has the task from the moment at which it is agreed.
    const view = await organisation.client.task(taskId).catch(() => undefined);
    return view && view.finished_at !== null ? view : undefined;
  });
}

/** The task as this node shows it once training takes steps. */
export function trainingTask(organisation: Organisation, taskId: string): Promise<TaskView> {
  return eventually(`training of ${taskId} at ${organisation.name}`, async () => {
    const view = await organisation.client.task(taskId).catch(() => undefined);
    if (view?.error) throw new Error(view.error.message);
    return view && (view.progress.iteration ?? 0) > 1 ? view : undefined;
  });
}

/** The ids of the tasks that a node says it proposed, oldest first. */
export async function proposedTasks(node: Organisation): Promise<string[]> {
  return [...(await node.log()).matchAll(/"task":"(\w{64})".*"task proposed"/g)].map(
    ([, id]) => id!,
  );
}
