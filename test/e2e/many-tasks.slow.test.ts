import { ok } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { Organisation } from '../../examples/organisation.ts';
import { peopleTraining, putPeople } from '../support/joint-training.ts';
import { runningPair } from '../support/running-pair.ts';

const TASKS = 200;

/** Tasks after which caches, pools and the heap have their usual size. */
const WARM_UP = 60;

/** What a process holds. */
interface Footprint {
  readonly rssMb: number;
  readonly threads: number;
  readonly files: number;
}

function footprintOf({ pid }: Organisation): Footprint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]);
  return {
    rssMb: field('VmRSS') / 1024,
    threads: field('Threads'),
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

describe('e2e: many tasks in a row', function () {
  this.timeout(1_800_000);
  const pair = runningPair();

  before(() => void putPeople(pair, { common: 60, apart: 10 }));

  it(`leave no worker, socket, file or memory behind after ${TASKS}`, async function () {
    if (process.platform !== 'linux') this.skip(); // reads /proc
    const nodes = [pair.a, pair.b];
    const request = peopleTraining(
      { epochs: 1 },
      { result_receivers: ['orgA'], metrics: ['loss'] },
    );
    let before: Footprint[] = [];
    for (let task = 0; task < TASKS; task++) {
      if (task === WARM_UP) before = nodes.map(footprintOf);
      await pair.a.client.runModelTrainTask(request);
    }
    for (const [i, node] of nodes.entries()) {
      const [earlier, later] = [before[i]!, footprintOf(node)];
      const what = `${node.name}: ${JSON.stringify({ earlier, later })}`;
      ok(later.threads <= earlier.threads + 2, what);
      ok(later.files <= earlier.files + 4, what);
      ok(later.rssMb <= 1.15 * earlier.rssMb + 20, what);
    }
  });
});
