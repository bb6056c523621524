import { systemRng } from '../../../protocols/primitives/rng.ts';
import { programOf } from './programs.ts';
import { serveTask } from './serve-task.ts';

// The thread of one task.
await serveTask(programOf, systemRng);
