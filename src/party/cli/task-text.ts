/** Tasks as text. JSON of a task is that of the HTTP interface. */
import { join } from 'node:path';
import type { TaskView } from '../../sdk/node-client.ts';
import type { NodeConfig } from '../config.ts';
import type { CommandResult } from './command.ts';
import { progressLine } from './progress.ts';
import { bytes, duration, facts, figure, table } from './tables.ts';

/** All that is known of one task. */
export function taskResult(view: TaskView): CommandResult {
  return { text: `${taskHead(view)}${taskFacts(view)}${metricsTable(view)}`, json: view };
}

/** What a completed task gave: its metrics, and where its result is. */
export function outcomeResult(view: TaskView, config: NodeConfig | null): CommandResult {
  const seconds = secondsBetween(view.started_at, view.finished_at);
  const receives = config !== null && view.receivers.includes(config.name);
  const text = [
    `Task ${view.task_id}\n`,
    seconds === null ? '' : `  completed in ${duration(seconds)}\n`,
    facts([
      ['common records', commonRecords(view)],
      ['left out', leftOut(view)],
      ['model', view.model_id],
      ['receivers', view.receivers.join(', ')],
      ['file', view.path && receives ? resultFile(view.path, config) : view.path],
    ]),
    metricsTable(view),
    warnings(view),
  ];
  return { text: text.join(''), json: view };
}

/** One line a task, newest first. */
export function taskTable(views: readonly TaskView[]): string {
  return table([
    ['TASK', 'KIND', 'STATE', 'PHASE', 'CREATED', 'PARTIES'],
    ...views.map((view) => [
      view.task_id,
      view.kind,
      view.awaits_approval ? 'to approve' : view.state,
      `${view.phase} ${view.progress.percentage} %`,
      view.created_at,
      view.parties.join(', '),
    ]),
  ]);
}

/** The file of a result at a receiver, whose folder `results/` stands for. */
export function resultFile(path: string, { resultDir }: NodeConfig): string {
  return join(resultDir, path.replace(/^results\//, ''));
}

function taskHead({ task_id, state, phase }: TaskView): string {
  return `Task ${task_id}\n  ${state}${state === 'running' || state === 'pending' ? `, ${phase}` : ''}\n`;
}

function taskFacts(view: TaskView): string {
  const { progress, error } = view;
  const active = view.state === 'running' || view.state === 'stopping' || view.state === 'pending';
  return facts([
    ['kind', `${view.kind} ${view.algorithm}`],
    ['purpose', view.purpose],
    ['initiator', view.initiator],
    ['parties', view.parties.join(', ')],
    ['receivers', view.receivers.join(', ')],
    ['progress', active ? `${progress.percentage} %  ${progressLine(view)}` : null],
    ['bytes', `${bytes(progress.bytes_sent)} sent, ${bytes(progress.bytes_received)} received`],
    ['attempt', view.attempt > 1 ? String(view.attempt) : null],
    ['created', view.created_at],
    ['started', view.started_at],
    ['finished', view.finished_at],
    ['model', view.model_id],
    ['file', view.path],
    ['error', error && `${error.message} (${error.code})`],
    ['next', view.awaits_approval ? `entente task approve ${view.task_id}` : null],
  ]);
}

function metricsTable({ metrics, extra }: TaskView): string {
  const entries = Object.entries(metrics ?? {});
  if (entries.length === 0) return '';
  const reasons = (extraOf(extra).null_metrics ?? {}) as Readonly<Record<string, unknown>>;
  const reason = (name: string): string => {
    const text = Object.hasOwn(reasons, name) ? reasons[name] : '';
    return typeof text === 'string' ? text : '';
  };
  const rows = entries.map(([name, value]) => [`  ${name}`, figure(value), reason(name)]);
  return `\n${table(rows)}`;
}

function commonRecords({ extra }: TaskView): string | null {
  const { aligned_rows: aligned, intersection_size: common } = extraOf(extra);
  const count = aligned ?? common;
  return typeof count === 'number' ? String(count) : null;
}

/** Records of this node's own that an earlier one with their key stands for. */
function leftOut({ extra }: TaskView): string | null {
  const { duplicates } = extraOf(extra);
  return typeof duplicates === 'number' && duplicates > 0
    ? `${duplicates} own records that repeat a key`
    : null;
}

/** What the node says beside the result: fields it did not know, labels it ignored. */
function warnings({ extra }: TaskView): string {
  const found = extraOf(extra).warnings;
  if (!Array.isArray(found)) return '';
  const messages = found.flatMap((warning: unknown) => {
    const { message } = (warning ?? {}) as { readonly message?: unknown };
    return typeof message === 'string' ? [['  warning', message]] : [];
  });
  return messages.length === 0 ? '' : `\n${table(messages)}`;
}

/** What the node says beside the result; {} when it says nothing that can be read. */
function extraOf(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const extra: unknown = text ? JSON.parse(text) : {};
    return typeof extra === 'object' && extra !== null ? { ...extra } : {};
  } catch {
    return {};
  }
}

function secondsBetween(from: string | null, to: string | null): number | null {
  return from && to ? (Date.parse(to) - Date.parse(from)) / 1000 : null;
}
