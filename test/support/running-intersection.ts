/** Set intersections on running nodes: a request in few words, and what every party is left. */
import { equal } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import type {
  KeyedFields,
  LabeledPsiTaskRequest,
  PsiTaskRequest,
  TaskView,
} from '../../src/sdk/node-client.ts';
import { type CsvFile, csvFile } from './plain-join.ts';
import { endedTask } from './running-pair.ts';

/** One party's CSV file and its key. */
export function keyed(name: string, path: string, ...keys: readonly string[]): KeyedFields {
  const key_column = keys.length > 1 ? keys : (keys[0] ?? 'id');
  return { name, data_path: path, data_type: 'csv', key_column };
}

/** How an intersection ended at one party. */
export interface IntersectionEnd {
  readonly view: TaskView;
  /** What `extra` says. */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly file: CsvFile | null;
}

/** Submits at the first node, waits for the end at all, and expects a result. */
export async function intersected(
  nodes: readonly Organisation[],
  request: PsiTaskRequest | LabeledPsiTaskRequest,
): Promise<readonly IntersectionEnd[]> {
  const taskId = await submitted(nodes[0]!, request);
  const ends = await Promise.all(nodes.map((node) => intersectionEnd(node, taskId)));
  for (const { view } of ends) equal(view.state, 'completed', view.error?.message);
  return ends;
}

/** The task's id. A provider with columns to tell makes it a labelled one. */
export function submitted(
  { client }: Organisation,
  request: PsiTaskRequest | LabeledPsiTaskRequest,
): Promise<string> {
  const labelled = request.provider && 'selected_columns' in request.provider;
  return labelled ? client.submitLabeledPsiTask(request) : client.submitPsiTask(request);
}

/** What a party shows and has of a task once it has ended, in whatever way. */
export async function intersectionEnd(
  node: Organisation,
  taskId: string,
): Promise<IntersectionEnd> {
  const view = await endedTask(node, taskId);
  const path = view.path && join(node.directory, view.path);
  const file = path && existsSync(path) ? csvFile(readFileSync(path, 'utf8')) : null;
  const extra = view.extra === null ? {} : (JSON.parse(view.extra) as IntersectionEnd['extra']);
  return { view, extra, file };
}
