import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { systemRng } from '../../protocols/primitives/rng.ts';
import { decodeEntry, type Entry } from '../audit/entry.ts';
import { AuditError } from '../audit/errors.ts';
import { type EvidenceSource, exportLog, exportTask } from '../audit/evidence/export.ts';
import { openAudit } from '../audit/open-audit.ts';
import { storedEvidence } from '../audit/stored-evidence.ts';
import { systemClock } from '../clock.ts';
import type { NodeConfig } from '../config.ts';
import { consensusRecords } from '../consensus/records.ts';
import { readPeers } from '../live-peers.ts';
import { identityOf, sealOf } from '../node-identity.ts';
import type { Store } from '../store.ts';
import { timelineText } from './audit-timeline.ts';
import { CliError, type CommandResult, usageError } from './command.ts';
import type { NodeAddress } from './node-api.ts';
import { refuseExisting } from './output-file.ts';
import { storeOrNode } from './store-or-node.ts';

export interface ExportFlags {
  readonly task?: string;
  readonly all?: boolean;
  readonly out: string;
  readonly openings?: boolean;
  readonly force?: boolean;
}

const TASK_ID = /^[0-9a-f]{64}$/;
const OPERATOR = { via: 'command', id: 'operator' } as const;

/** Writes the evidence of a task, or the whole audit log, to a file. */
export async function auditExport(
  address: NodeAddress,
  { task, all = false, out, openings = false, force = false }: ExportFlags,
): Promise<CommandResult> {
  if ((task === undefined) !== all) {
    throw usageError('what is to be exported?', 'give --task ID, or --all for the whole log');
  }
  if (task !== undefined) checkTaskId(task);
  if (all && openings) throw usageError('only a task has openings', 'give --task ID with it');
  if (!force) await refuseExisting(out);
  await storeOrNode(address, {
    store: async (store, config) => {
      const { evidence, close } = await evidenceOf(store, config);
      try {
        const lines =
          task === undefined
            ? exportLog(evidence, { actor: OPERATOR })
            : exportTask(evidence, task, { actor: OPERATOR, openings });
        await writeStream(out, lines);
      } catch (cause) {
        if (!(cause instanceof AuditError) || cause.code !== 'unknown_task') throw cause;
        throw new CliError(cause.message, '"entente task list" shows what there is', { cause });
      } finally {
        await close();
      }
    },
    node: async ({ api }) => writeStream(out, await api.evidence(task ?? null, { openings })),
  });
  const what = task === undefined ? 'The audit log' : `The evidence of task ${task}`;
  const next = `Check it: entente audit verify ${out} --trust KEYS\n`;
  return { text: `${what} is in ${out}\n${next}`, json: { task_id: task ?? null, out } };
}

/** What this node has recorded of a task, as a timeline. */
export async function auditShowTask(address: NodeAddress, task: string): Promise<CommandResult> {
  checkTaskId(task);
  const entries: Entry[] = [];
  const add = (bytes: Uint8Array): number => entries.push(decodeEntry(bytes));
  await storeOrNode(address, {
    store: async (store, config) => {
      const { evidence, close } = await evidenceOf(store, config);
      const { log } = evidence;
      try {
        for (const index of await log.taskIndices(task)) add(await log.entry(index));
      } finally {
        await close();
      }
    },
    node: async ({ api }) => {
      for await (const text of api.taskEntries(task)) add(Buffer.from(text));
    },
  });
  if (entries.length === 0) {
    const hint = '"entente task list" shows what there is';
    throw new CliError('the audit log has no such task', hint);
  }
  return { text: timelineText(entries), json: { task_id: task, entries } };
}

function checkTaskId(task: string): void {
  if (TASK_ID.test(task)) return;
  throw usageError(`${task} is no id of a task`, '"entente task list" shows them');
}

/** A file that is there once it is whole. */
async function writeStream(
  path: string,
  pieces: AsyncIterable<string> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await pipeline(pieces, createWriteStream(partial, { mode: 0o640, flush: true }));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** The evidence of a stopped node. */
async function evidenceOf(
  store: Store,
  config: NodeConfig,
): Promise<{ readonly evidence: EvidenceSource; close(): Promise<void> }> {
  const seal = await sealOf(config);
  const identity = await identityOf(config, seal);
  const now = (): number => systemClock.now();
  const deps = { identity, seal, store, now, rng: systemRng };
  const { log, key, trail, salts } = await openAudit(config, deps);
  const { all: peers } = await readPeers(config.peers);
  const evidence = storedEvidence({
    identity,
    peers: () => peers,
    store,
    records: consensusRecords(store, now),
    log,
    logKey: key.certificate,
    trail,
    salts,
  });
  return { evidence, close: () => log.close() };
}
