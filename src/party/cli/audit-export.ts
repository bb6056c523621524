import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { systemRng } from '../../protocols/primitives/rng.ts';
import { NodeRequestError } from '../../sdk/node-client.ts';
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
import { CliError, type CommandResult, usageError } from './command.ts';
import type { NodeAddress } from './node-api.ts';
import { refuseExisting } from './output-file.ts';
import { storeOrNode } from './store-or-node.ts';

export interface ExportFlags {
  readonly task?: string;
  readonly all?: boolean;
  readonly out: string;
  readonly openings?: boolean;
  readonly unclosed?: boolean;
  readonly force?: boolean;
}

const TASK_ID = /^[0-9a-f]{64}$/;
const OPERATOR = { via: 'command', id: 'operator' } as const;

/** Writes the evidence of a task, or the whole audit log, to a file. */
export async function auditExport(
  address: NodeAddress,
  { task, all = false, out, openings = false, unclosed = false, force = false }: ExportFlags,
): Promise<CommandResult> {
  if ((task === undefined) !== all) {
    throw usageError('what is to be exported?', 'give --task ID, or --all for the whole log');
  }
  if (task !== undefined) checkTaskId(task);
  if (all && openings) throw usageError('only a task has openings', 'give --task ID with it');
  if (all && unclosed) throw usageError('only a task is closed', 'give --task ID with it');
  if (!force) await refuseExisting(out);
  await storeOrNode(address, {
    store: (store, config) =>
      withEvidence(store, config, async (evidence) => {
        const actor = OPERATOR;
        try {
          const lines =
            task === undefined
              ? exportLog(evidence, { actor })
              : await exportTask(evidence, task, { actor, openings, unclosed });
          await writeStream(out, lines);
        } catch (cause) {
          if (!(cause instanceof AuditError)) throw cause;
          if (cause.code === 'unknown_task') throw noSuchTask();
          throw cause.code === 'task_closing' ? stillClosing(cause) : cause;
        }
      }),
    node: async ({ api }) => {
      const lines = await api
        .evidence(task ?? null, { openings, unclosed })
        .catch((cause: unknown) => {
          if (!(cause instanceof NodeRequestError) || cause.code !== 'CONFLICT') throw cause;
          throw stillClosing(cause);
        });
      await writeStream(out, lines);
    },
  });
  const what = task === undefined ? 'The audit log' : `The evidence of task ${task}`;
  const next = `Check it: entente audit verify ${out} --trust KEYS\n`;
  return { text: `${what} is in ${out}\n${next}`, json: { task_id: task ?? null, out } };
}

export function noSuchTask(): CliError {
  return new CliError('the audit log has no such task', '"entente task list" shows what there is');
}

/** Alike for a running node and a stopped one. */
function stillClosing(cause: Error): CliError {
  const hint =
    'run this again in a moment, while the node runs; --unclosed exports what there is, and "audit verify" then names whose word is missing';
  return new CliError(cause.message, hint, { cause, code: 'CONFLICT' });
}

export function checkTaskId(task: string): void {
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
  } catch (cause) {
    await rm(partial, { force: true });
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const why = WHY_UNWRITABLE[errno];
    if (why === undefined) throw cause;
    throw new CliError(`${path} ${why}`, 'name another file with --out', { cause });
  }
}

const WHY_UNWRITABLE: Readonly<Record<string, string>> = {
  ENOENT: 'is in a folder that does not exist',
  ENOTDIR: 'is in a folder that does not exist',
  EISDIR: 'is a folder',
  EACCES: 'may not be written by you',
};

/** Works on the evidence of a stopped node. */
export async function withEvidence(
  store: Store,
  config: NodeConfig,
  use: (evidence: EvidenceSource) => Promise<void>,
): Promise<void> {
  const seal = await sealOf(config);
  const identity = await identityOf(config, seal);
  const now = (): number => systemClock.now();
  const deps = { identity, seal, store, now, rng: systemRng };
  const { log, key, trail, salts } = await openAudit(config, deps);
  try {
    const { all: peers } = await readPeers(config.peers);
    const records = consensusRecords(store, now);
    const logKey = key.certificate;
    await use(
      storedEvidence({ identity, peers: () => peers, store, records, log, logKey, trail, salts }),
    );
  } finally {
    await log.close();
  }
}
