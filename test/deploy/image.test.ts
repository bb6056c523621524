import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** The instructions of a Dockerfile, continued lines joined, comments left out. */
function instructions(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name, ...rest] = line.trim().split(/\s+/);
      return { name: name!, value: rest.join(' ') };
    });
}

describe('deploy image', () => {
  const all = instructions(readFileSync('deploy/Dockerfile', 'utf8'));
  const last = all.map(({ name }) => name).lastIndexOf('FROM');
  const [build, final] = [all.slice(0, last), all.slice(last)];
  const lastOf = (name: string): string | undefined =>
    final.find((instruction) => instruction.name === name)?.value;

  it('is built of files that are in the tree and that its context lets through', () => {
    const ignore = readFileSync('deploy/Dockerfile.dockerignore', 'utf8').split('\n');
    const sources = build
      .filter(({ name }) => name === 'COPY')
      .flatMap(({ value }) => value.split(' ').slice(0, -1))
      .map((source) => source.replace(/^\.\//, ''));
    ok(sources.length > 0);
    for (const source of sources) {
      ok(existsSync(source), source);
      ok(ignore.includes(`!${source}`), `${source} is not in the context`);
    }
    equal(
      ignore.find((line) => line !== '' && !line.startsWith('#')),
      '*',
    );
  });

  it('pins its base by version and takes nothing from the network but locked packages', () => {
    const bases = all
      .filter(({ name }) => name === 'FROM')
      .map(({ value }) => value.split(' ')[0]!);
    equal(new Set(bases).size, 1);
    match(bases[0]!, /^node:\d+-[a-z]+-slim$/);
    const engine = JSON.parse(readFileSync('package.json', 'utf8')) as {
      engines: { node: string };
    };
    const [, needed] = /(\d+)/.exec(engine.engines.node)!;
    ok(Number(/\d+/.exec(bases[0]!)![0]) >= Number(needed));
    ok(!all.some(({ name }) => name === 'ADD'));
    const runs = all.filter(({ name }) => name === 'RUN').map(({ value }) => value);
    ok(runs.includes('npm ci'));
    ok(!runs.some((run) => /curl|wget|apt|npm (i|install)\b/.test(run)));
  });

  it('runs as a user without rights, with one volume', () => {
    equal(lastOf('USER'), '10001:10001');
    equal(lastOf('VOLUME'), '/var/lib/entente');
    const names = final.map(({ name }) => name);
    ok(names.indexOf('USER') > names.lastIndexOf('RUN'), 'RUN as root comes before USER');
    equal(lastOf('EXPOSE'), '7400 7480');
  });

  it('starts the command line that the build makes', () => {
    deepEqual(JSON.parse(lastOf('ENTRYPOINT')!), ['entente']);
    deepEqual(JSON.parse(lastOf('CMD')!), ['node', '--config', 'entente.yaml']);
    const run = final.find(({ name }) => name === 'RUN')!.value;
    const [, target] = /ln -s \/opt\/entente\/(\S+) /.exec(run)!;
    ok(existsSync(target!), target);
    match(readFileSync(target!, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  });
});
