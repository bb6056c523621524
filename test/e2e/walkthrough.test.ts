/**
 * The walk-through of the README, block by block, as two people would type it. Only what depends on
 * the two machines is substituted: addresses, fingerprints, the sending of certificates, the id of the
 * model and of its training, and that the repository is built already.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../examples/organisation.ts';
import { eventually } from '../support/running-pair.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const CLI = fileURLToPath(new URL('../../src/party/cli/main.js', import.meta.url));
const PEOPLE = ['hospital', 'lab'] as const;
type Person = (typeof PEOPLE)[number];

interface Block {
  readonly people: readonly Person[];
  /** Runs until the end of the walk-through. */
  readonly isNode: boolean;
  readonly script: string;
}

/** The shell blocks of the README's walk-through, in order. */
function blocksOf(readme: string): readonly Block[] {
  const [, section = ''] =
    /\n## Two people, two machines[^\n]*\n([\s\S]*?)\n## /.exec(readme) ?? [];
  const fences = section.matchAll(/\n```sh (\w+)( node)?\n([\s\S]*?)\n```/g);
  return [...fences].map(([, who, node, script]) => ({
    people: who === 'both' ? PEOPLE : PEOPLE.filter((person) => person === who),
    isNode: node !== undefined,
    script: script!,
  }));
}

/** What is done at the same time: until the nodes run, each person works alone. */
function stagesOf(blocks: readonly Block[]): readonly (readonly Block[])[] {
  const stages: Block[][] = [];
  let together = true;
  for (const block of blocks) {
    const last = stages.at(-1);
    together &&= !block.isNode;
    const free = last?.every(({ people }) => !people.some((each) => block.people.includes(each)));
    if (together && last && free) last.push(block);
    else stages.push([block]);
  }
  return stages;
}

/** One person's machine: a folder that looks like the repository, and ports in place of addresses. */
interface Machine {
  readonly directory: string;
  readonly grpc: number;
  readonly env: Record<string, string>;
  /** What was exported so far in this person's terminal. */
  exports: string[];
  /** Everything that was printed. */
  transcript: string;
}

describe('e2e: the walk-through of the README', function () {
  this.timeout(120_000);
  const folder = scratchFolder();
  const blocks = blocksOf(readFileSync('README.md', 'utf8'));
  const machines = new Map<Person, Machine>();
  const nodes: ChildProcess[] = [];

  before(async () => {
    const ports = await freePorts(2 * PEOPLE.length);
    const tools = join(folder.path, 'bin');
    mkdirSync(tools);
    script(join(tools, 'npm'), 'exit 0'); // installed and built already
    script(
      join(tools, 'npx'),
      `[ "$1" = entente ] && shift && exec "${process.execPath}" "${CLI}" "$@"`,
    );
    for (const [i, person] of PEOPLE.entries()) {
      const directory = join(folder.path, person);
      mkdirSync(directory);
      symlinkSync(resolve('examples'), join(directory, 'examples'));
      machines.set(person, {
        directory,
        grpc: ports[2 * i]!,
        env: {
          PATH: `${tools}${delimiter}${process.env.PATH}`,
          ENTENTE_LISTEN_GRPC: `127.0.0.1:${ports[2 * i]}`,
          ENTENTE_LISTEN_HTTP: `127.0.0.1:${ports[2 * i + 1]}`,
          ENTENTE_LOG_LEVEL: 'warn',
        },
        exports: [],
        transcript: '',
      });
    }
  });
  after(async () => {
    for (const node of nodes) {
      const ended = new Promise((resolve) => node.once('exit', resolve));
      if (node.exitCode === null && node.kill('SIGTERM')) await ended;
    }
  });

  it('is found in the README', () => {
    ok(blocks.length >= 12, `${blocks.length} blocks`);
    equal(blocks.filter(({ isNode }) => isNode).length, 1);
  });

  for (const [i, stage] of stagesOf(blocks).entries()) {
    const title = stage.map(({ script: text }) => text.split('\n')[0]!.slice(0, 50));
    it(`step ${i + 1}: ${title.join(' | ')}`, async () => {
      await Promise.all(
        stage.flatMap((block) =>
          block.people.map((person) =>
            block.isNode
              ? startNode(machines.get(person)!, block.script)
              : run(machines.get(person)!, substituted(person, block.script)),
          ),
        ),
      );
    });
  }

  it('has left a model and predictions at the hospital, and none at the laboratory', () => {
    const [hospital, lab] = PEOPLE.map((person) => machines.get(person)!);
    match(hospital!.transcript, /auc +(?:1|0\.9\d+)\n/);
    const counts = [...hospital!.transcript.matchAll(/common records +(\d+)\n/g)];
    deepEqual(
      counts.map(([, count]) => count),
      ['569', '569', '569'],
      'matched, aligned to train and to predict',
    );
    const predictions = readFileSync(join(hospital!.directory, 'predictions.csv'), 'utf8');
    const lines = predictions.trimEnd().split('\n');
    equal(lines[0], 'id,score,class');
    equal(lines.length, 1 + 569, 'a header and every common patient');
    equal(existsSync(join(lab!.directory, 'predictions.csv')), false);
    match(lab!.transcript, /train +completed/);
    match(hospital!.transcript, /\nVERIFIED: /);
    match(hospital!.transcript, /\nRECONCILED: /);
    ok(!hospital!.transcript.includes('series-7'), 'the name of the file stayed at its owner');
  });

  /** A block as it is typed on a machine whose peers are on this machine too. */
  function substituted(person: Person, block: string): string {
    const other = PEOPLE.find((each) => each !== person)!;
    const machine = machines.get(person)!;
    const peer = machines.get(other)!;
    if (block.includes(`${other}.crt`)) {
      const sent = join(peer.directory, 'my-node/identity/identity.crt');
      copyFileSync(sent, join(machine.directory, `${other}.crt`));
    }
    if (block.includes(`${other}.jsonl`)) {
      copyFileSync(
        join(peer.directory, `${other}.jsonl`),
        join(machine.directory, `${other}.jsonl`),
      );
    }
    const { transcript } = machines.get('hospital')!;
    const task = /Task ([0-9a-f]{64})\n(?: {2}.*\n)*? {2}model /.exec(transcript)?.[1] ?? '';
    const fingerprint = /fingerprint +([0-9a-f]{64})/.exec(peer.transcript)?.[1] ?? '';
    const model = /model +(model-\S+)/.exec(machine.transcript)?.[1] ?? '';
    return block
      .replaceAll(`${other}.example:7400`, `127.0.0.1:${peer.grpc}`)
      .replaceAll('FINGERPRINT', fingerprint)
      .replaceAll('MODEL', model)
      .replaceAll('TASK', task);
  }

  async function run(machine: Machine, block: string): Promise<void> {
    const child = spawnShell(machine, block);
    const [out, err, code] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      new Promise((resolve) => child.once('close', resolve)),
    ]);
    machine.transcript += out;
    machine.exports.push(...block.split('\n').filter((line) => line.startsWith('export ')));
    equal(code, 0, `${block}\n${out}${err}`);
    equal(err, '', block);
  }

  async function startNode(machine: Machine, block: string): Promise<void> {
    const child = spawnShell(machine, `exec ${block}`);
    nodes.push(child);
    let log = '';
    child.stderr!.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
    let started = '';
    child.stdout!.on('data', (chunk: Buffer) => (started += chunk.toString('utf8')));
    await eventually('a node', async () => {
      if (child.exitCode !== null) throw new Error(`the node ended:\n${log}`);
      return /http: http:/.test(started);
    });
  }

  function spawnShell({ directory, env, exports }: Machine, block: string): ChildProcess {
    const lines = ['set -e', ...exports, block];
    return spawn('bash', ['-c', lines.join('\n')], {
      cwd: directory,
      env: { ...env, HOME: folder.path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
});

function script(path: string, body: string): void {
  writeFileSync(path, `#!/bin/bash\n${body}\n`);
  chmodSync(path, 0o755);
}
