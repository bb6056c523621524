import { deepEqual, equal, ok } from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type EngineNetwork, ORGS, resultOf, withEngines } from '../../support/engine-network.ts';

type Org = (typeof ORGS)[number];

/** Writes of a node, from the first after its program is over to the last of the task. */
async function writesOfTheFinish(): Promise<ReadonlyMap<Org, readonly string[]>> {
  const found = new Map<Org, readonly string[]>();
  await withEngines(async (net) => {
    const starts = new Map<string, number>();
    await run(net, (name) => starts.set(name, net.at(name).mortal.writes.length));
    for (const name of ORGS) {
      found.set(name, net.at(name).mortal.writes.slice(starts.get(name)));
    }
  });
  return found;
}

/** A task to its end at both parties; `atFinish` is called when a party's program is over. */
async function run(net: EngineNetwork, atFinish: (name: Org) => void): Promise<string> {
  const finished = new Set<string>();
  net.program = async (job, host) => {
    const result = resultOf(job, host);
    // The row that says so is written: what is written from now on is the finish.
    const { mortal } = net.at(job.self);
    await net.until('the phase', async () => {
      if (!mortal.isAlive()) return true;
      return (await net.view(job.self, job.taskId))?.phase === 'publishing';
    });
    if (!finished.has(job.self)) atFinish(job.self as Org);
    finished.add(job.self);
    return result;
  };
  const taskId = await net.submit();
  await net.until('the end at both', async () => {
    await restartTheDead(net);
    const views = await Promise.all(ORGS.map((name) => net.view(name, taskId)));
    return views.every((view) => view?.finishedAt);
  });
  return taskId;
}

async function restartTheDead(net: EngineNetwork): Promise<void> {
  for (const name of ORGS) if (!net.at(name).mortal.isAlive()) await net.start(name);
}

/** Checks the outcome; a node may still be killed by what it writes after the task's end. */
async function checkOutcome(net: EngineNetwork, taskId: string, where: string): Promise<void> {
  for (;;) {
    await restartTheDead(net);
    const deaths = ORGS.map((name) => net.at(name).mortal.died.then(() => false));
    const checked = oneOutcome(net, taskId, where).then(() => true);
    if (await Promise.race([checked, ...deaths])) return;
  }
}

/** Both have the result, whole, or neither has anything; nothing is left of the way there. */
async function oneOutcome(net: EngineNetwork, taskId: string, where: string): Promise<void> {
  const views = await Promise.all(ORGS.map((name) => net.view(name, taskId)));
  const completed = views[0]!.state === 'completed';
  deepEqual(
    views.map(({ state }) => state),
    completed ? ['completed', 'completed'] : ['failed', 'failed'],
    where,
  );
  for (const name of ORGS) {
    const { models, node, mortal, checkpoints } = net.at(name);
    const { state } = (await node.records.find(taskId))!;
    equal(state, completed ? 'finished' : 'aborted', where);
    const kinds = (await models.list()).map(({ kind }) => kind);
    deepEqual(kinds, completed ? (name === 'orgA' ? ['model', 'part'] : ['part']) : [], where);
    const file = join(net.folder(name), 'results', taskId, 'scores.csv');
    equal(existsSync(file), completed && name === 'orgA', where);
    await net.until(`nothing to be left, ${where}`, async () => {
      const staged = ['staging', 'results/.staged'].flatMap((folder) => {
        const path = join(net.folder(name), folder);
        return existsSync(path) ? readdirSync(path) : [];
      });
      const rows = await mortal.store.table('results').list();
      return staged.length + rows.length + (await checkpoints.tasks()).length === 0;
    });
    if (!completed) continue;
    const { attempt } = await net.view(name, taskId);
    ok(await node.records.receipt(taskId, attempt, name), `its receipt, ${where}`);
  }
}

describe('the finish of a task', function () {
  this.timeout(120_000);
  let writes: ReadonlyMap<Org, readonly string[]>;

  before('count its writes', async () => {
    writes = await writesOfTheFinish();
  });

  it('goes through these writes', () => {
    const own = (name: Org) => writes.get(name)!.filter((kinds) => !kinds.startsWith('receipts'));
    const models = ['models', 'models'];
    const steps = ['results', 'results', 'contracts', 'attempts'];
    const last = ['tasks+events+results'];
    // Of the model and of the receiver's file, each in one batch with its entry.
    const delivered = ['results+auditSalts', 'results+auditSalts'];
    deepEqual(own('orgA'), [...steps, ...delivered, ...models, ...last]);
    deepEqual(own('orgB'), [...steps, 'models', ...last]);
  });

  for (const when of ['before', 'after'] as const) {
    for (const name of ORGS) {
      it(`ends alike at both parties when ${name} is killed ${when} any of them`, async () => {
        for (const [index, kinds] of writes.get(name)!.entries()) {
          const where = `killed ${when} write ${index} (${kinds})`;
          await withEngines(async (net) => {
            const taskId = await run(net, (finishing) => {
              if (finishing !== name) return;
              const { mortal } = net.at(name);
              mortal.dieAt(mortal.writes.length + index, when);
            });
            await checkOutcome(net, taskId, where);
          });
        }
      });
    }
  }

  it('ends alike when both are killed at once, at any of them', async () => {
    for (const [index, kinds] of writes.get('orgA')!.entries()) {
      await withEngines(async (net) => {
        const taskId = await run(net, (finishing) => {
          if (finishing !== 'orgA') return;
          const { mortal } = net.at('orgA');
          mortal.dieAt(mortal.writes.length + index, index % 2 === 0 ? 'before' : 'after');
          void mortal.died.then(() => net.kill('orgB'));
        });
        await checkOutcome(net, taskId, `both killed at write ${index} (${kinds})`);
      });
    }
  });
});
