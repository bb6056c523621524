/**
 * `npm run bench -- NAME [options] [--json]`: runs one measurement and prints its result, as a table or,
 * with `--json`, as one JSON object on the last line. Never asserts times: the exit code is 0 when the
 * measured work was right, 1 when it was wrong or failed, 2 for a command line that cannot be run.
 */
import { isOptionError } from './options.ts';
import type { BenchResult } from './result.ts';
import { resultTable } from './table.ts';

interface Bench {
  run(args: readonly string[]): Promise<BenchResult>;
}

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  audit: () => import('./audit.ts'),
  'audit-cost': () => import('./audit-cost.ts'),
  channel: () => import('./channel.ts'),
  psi: () => import('./psi.ts'),
  quality: () => import('./quality.ts'),
  rlwe: () => import('./rlwe.ts'),
  thread: () => import('./thread.ts'),
  'vertical-lr': () => import('./vertical-lr.ts'),
  'vertical-xgb': () => import('./vertical-xgb.ts'),
};

/** What was started ends with this process: see the listeners of `exit` where it is started. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (!load) {
    const names = Object.keys(BENCHES);
    if (name !== '') console.error(`no bench "${name}"; there are ${names.join(', ')}`);
    console.error(`usage: npm run bench -- ${names.join('|')} [options] [--json]`);
    return 2;
  }
  try {
    const bench = await load();
    const result = await bench.run(args.filter((arg) => arg !== '--json'));
    console.log(args.includes('--json') ? JSON.stringify(result) : resultTable(result));
    return result.correct ? 0 : 1;
  } catch (error) {
    if (!isOptionError(error)) throw error;
    console.error(`bench ${name}: ${error.message}`);
    return 2;
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
