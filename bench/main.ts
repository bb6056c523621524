/**
 * `npm run bench -- NAME [options] [--json]`: runs one measurement of real node processes and prints its
 * result; with `--json` the last line is one JSON object. Never asserts times.
 */
import type { BenchResult } from './result.ts';

interface Bench {
  run(args: readonly string[]): Promise<BenchResult>;
}

const NAMES = ['channel', 'psi', 'quality', 'vertical-lr'] as const;

const [name, ...args] = process.argv.slice(2);
if (!NAMES.some((known) => known === name)) {
  console.error(`usage: npm run bench -- ${NAMES.join('|')} [options] [--json]`);
  process.exit(2);
}
const json = args.includes('--json');
const bench = (await import(new URL(`./${name}.js`, import.meta.url).href)) as Bench;
const result = await bench.run(args.filter((arg) => arg !== '--json'));
if (json) console.log(JSON.stringify(result));
else console.log(JSON.stringify(result, null, 2));
process.exit(result.correct ? 0 : 1);
