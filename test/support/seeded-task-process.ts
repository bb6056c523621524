import { workerData } from 'node:worker_threads';
import { programOf } from '../../src/party/tasks/thread/programs.ts';
import { serveTask } from '../../src/party/tasks/thread/serve-task.ts';
import type { ThreadStart } from '../../src/party/tasks/thread/task-context.ts';
import { seededRng } from './seeded-rng.ts';

// The thread of a task as nodes have it, but for randomness that replays.
await serveTask(programOf, seededRng((workerData as ThreadStart).self));
