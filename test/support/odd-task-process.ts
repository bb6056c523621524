/**
 * The thread of a task as nodes have it, but for what the task's purpose says:
 *
 *   PARTY deviates at TYPE: WAY    one party sends one message as it should not
 *   PARTY ends                     one party has no result to wait for, and says so at once
 *   PARTY exits                    the thread of one party is gone once it has its data
 *   in N buckets                   keys are spread over so many, however few there are
 */

import type { Contract, PsiContract } from '../../src/party/consensus/contract.ts';
import type { Program, ProgramContext } from '../../src/party/tasks/program.ts';
import { intersect } from '../../src/party/tasks/programs/intersect.ts';
import { programOf } from '../../src/party/tasks/thread/programs.ts';
import { serveTask } from '../../src/party/tasks/thread/serve-task.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { deviatingParty, type Way } from './deviation.ts';

await serveTask(async (contract: Contract): Promise<Program<Contract>> => {
  const { purpose } = contract;
  const buckets = /^in (\d+) buckets$/.exec(purpose);
  if (buckets) {
    const bucketCount = (): number => Number(buckets[1]);
    return (context) => intersect(context as ProgramContext<PsiContract>, { bucketCount });
  }
  const program = await programOf(contract);
  const [, odd, what, at, way] =
    /^(\w+) (ends|exits|deviates at (\w+): (\w+))$/.exec(purpose) ?? [];
  return async (context) => {
    if (context.self !== odd) return program(context);
    switch (what) {
      case 'ends':
        return { model: null, part: null, file: null, metrics: null, extra: {} };
      case 'exits':
        await context.loadDataset();
        return process.exit(3);
      default: {
        const party = deviatingParty({ at: at!, way: way as Way });
        const links = new Map<string, ReturnType<ProgramContext['link']>>();
        return program({
          ...context,
          link: (peer) => {
            const own = context.link(peer);
            const link = links.get(peer) ?? { ...own, channel: party.wrap(own.channel) };
            links.set(peer, link);
            return link;
          },
        });
      }
    }
  };
}, systemRng);
