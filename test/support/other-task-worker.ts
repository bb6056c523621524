/**
 * Preloaded into the process of a node (`--import`): threads of its tasks run the module that the
 * environment names in place of the node's own.
 */
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import threads, { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';

const VARIABLE = 'TEST_TASK_WORKER';

/** The environment of a node whose tasks run in a module of this folder. */
export function otherTaskWorker(module: string): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import=${import.meta.url}`,
    [VARIABLE]: fileURLToPath(new URL(module, import.meta.url)),
  };
}

const path = process.env[VARIABLE] ?? '';
if (path !== '' && isMainThread) {
  threads.Worker = class extends Worker {
    constructor(url: URL | string, options?: WorkerOptions) {
      super(String(url).endsWith('/task-worker.js') ? path : url, options);
    }
  };
  syncBuiltinESMExports();
}
