/** What is recorded, as a timeline: of a file, or of a task in a node's log. However long, page by page. */
import { createReadStream } from 'node:fs';
import { decodeEntry, type Entry } from '../audit/entry.ts';
import { AuditError } from '../audit/errors.ts';
import { type BundleLine, MAX_LINE_BYTES, parseLine } from '../audit/evidence/bundle.ts';
import { readLines } from '../audit/evidence/lines.ts';
import { checkTaskId, noSuchTask, withEvidence } from './audit-export.ts';
import type { Timeline } from './audit-timeline.ts';
import { CliError } from './command.ts';
import type { NodeAddress } from './node-api.ts';
import { storeOrNode } from './store-or-node.ts';
import { unreadable } from './unreadable.ts';

/** Shows a timeline; resolves once it is shown. */
type Show = (timeline: Timeline) => Promise<void>;

const READ_BYTES = 1 << 18;

/** The entries of a bundle in words. Checks nothing but that each line can be read. */
export async function auditShowFile(bundle: string, show: Show): Promise<void> {
  const skipped = { lines: 0 };
  const lines = linesOf(bundle, skipped);
  try {
    const first = await lines.next();
    if (first.done || first.value.line !== 'header' || skipped.lines > 0) {
      throw new CliError(`${bundle} is no evidence`, HINT);
    }
    const { party, task } = first.value;
    const title = `${party}${task === null ? '' : `, task ${task}`}, as the file says\n`;
    const head = { party, task_id: task };
    await show({ title, head, entries: entriesOf(lines), skipped: () => skipped.lines });
  } finally {
    await lines.return(undefined);
  }
}

/** What this node has recorded of a task. */
export async function auditShowTask(address: NodeAddress, task: string, show: Show): Promise<void> {
  checkTaskId(task);
  const shown = async (entries: AsyncIterable<Uint8Array>): Promise<void> => {
    const decoded = decodedFrom(entries);
    const first = await decoded.next();
    if (first.done) throw noSuchTask();
    const all = async function* (): AsyncGenerator<Entry> {
      yield first.value as Entry;
      yield* decoded;
    };
    await show({ title: '', head: { task_id: task }, entries: all(), skipped: () => 0 });
  };
  await storeOrNode(address, {
    store: (store, config) =>
      withEvidence(store, config, async ({ log }) => {
        const indices = await log.taskIndices(task);
        const stored = async function* (): AsyncGenerator<Uint8Array> {
          for (const index of indices) yield await log.entry(index);
        };
        await shown(stored());
      }),
    node: async ({ api }) => {
      const asked = async function* (): AsyncGenerator<Uint8Array> {
        for await (const text of api.taskEntries(task)) yield Buffer.from(text);
      };
      await shown(asked());
    },
  });
}

const HINT = 'name a file of "entente audit export"';

/** The lines that can be read; the others are counted. */
async function* linesOf(
  path: string,
  skipped: { lines: number },
): AsyncGenerator<BundleLine, void> {
  try {
    const stream = createReadStream(path, { highWaterMark: READ_BYTES });
    for await (const { lines, rest } of readLines(stream, MAX_LINE_BYTES)) {
      for (const bytes of rest ? [...lines, rest] : lines) {
        const line = readable(bytes);
        if (line) yield line;
        else skipped.lines += 1;
      }
    }
  } catch (cause) {
    throw unreadable(path, HINT, cause);
  }
}

function readable(bytes: Uint8Array): BundleLine | null {
  try {
    return parseLine(bytes);
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

async function* entriesOf(lines: AsyncIterable<BundleLine>): AsyncGenerator<Entry> {
  for await (const line of lines) if (line.line === 'entry') yield line.entry;
}

async function* decodedFrom(entries: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  for await (const bytes of entries) yield decodeEntry(bytes);
}
