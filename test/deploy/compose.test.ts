import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { loadConfig } from '../../src/party/config.ts';
import { policyFile } from '../../src/party/policy-file.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);

const FILE = 'deploy/compose/compose.yaml';

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly volumes: readonly string[];
  readonly networks?: readonly string[];
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, object>>;
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
  readonly networks: object;
}

const compose = parse(readFileSync(FILE, 'utf8'), { merge: true }) as Compose;
const nodes = ['bank', 'shop'] as const;

describe('deploy compose', () => {
  it('names only volumes, networks, services and files that exist', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      for (const volume of service.volumes) {
        const [source] = volume.split(':');
        const exists = source!.startsWith('.')
          ? statSync(resolve(dirname(FILE), source!))
          : Object.hasOwn(compose.volumes, source!);
        ok(exists, `${name}: ${source}`);
      }
      for (const network of service.networks ?? []) {
        ok(Object.hasOwn(compose.networks, network), `${name}: ${network}`);
      }
      for (const other of Object.keys(service.depends_on ?? {})) {
        ok(Object.hasOwn(compose.services, other), `${name}: ${other}`);
      }
      const { context, dockerfile } = service.build!;
      ok(statSync(resolve(dirname(FILE), context, dockerfile)).isFile());
    }
  });

  it('keeps all that a node writes, its audit log’s key among it, on the node’s volume', () => {
    const image = readFileSync('deploy/Dockerfile', 'utf8');
    const [, volume] = /^VOLUME (\S+)$/m.exec(image)!;
    const folder = [...image.matchAll(/^WORKDIR (\S+)$/gm)].at(-1)![1];
    equal(folder, volume, 'the paths of a made configuration count from there');
    for (const name of nodes) {
      deepEqual(compose.services[name]!.volumes, [`${name}:${volume}`]);
      ok(Object.hasOwn(compose.volumes, name));
    }
  });

  it('keeps the organisations apart and HTTP on this machine', () => {
    const [bank, shop] = nodes.map((name) => compose.services[name]!);
    ok(!bank!.volumes.some((volume) => shop!.volumes.includes(volume)));
    for (const service of [bank!, shop!]) {
      ok(service.ports!.every((port) => port.startsWith('127.0.0.1:')));
      deepEqual(service.cap_drop, ['ALL']);
      equal(service.read_only, true);
    }
  });

  it('is set up by a script that makes two nodes which know each other, once', function () {
    this.timeout(60_000); // eight command lines
    return withTemporaryDirectory(async (root) => {
      const [bank, shop] = nodes.map((name) => join(root, name));
      for (const folder of [bank!, shop!]) mkdirSync(folder); // volumes are there before
      const setup = async (): Promise<string> => {
        const args = [resolve('deploy/compose/setup.sh'), bank!, 'bank:7400', shop!, 'shop:7400'];
        const { stdout } = await run('sh', args, {
          env: {
            PATH: process.env.PATH,
            ENTENTE: `${process.execPath} ${resolve('dist/src/party/cli/main.js')}`,
            SAMPLES: resolve('deploy/samples'),
            DATA: resolve('examples/data'),
          },
        });
        return stdout;
      };
      await setup();
      for (const [folder, other] of [
        [bank!, 'shop'],
        [shop!, 'bank'],
      ] as const) {
        const config = await loadConfig(join(folder, 'entente.yaml'), {});
        deepEqual(
          config.peers.map(({ name, address }) => [name, address]),
          [[other, `${other}:7400`]],
        );
        equal(config.http.allowPlaintext, true);
        equal((await policyFile(config.policyFile)()).rules.length, 2);
        equal(readdirSync(join(folder, 'data')).length, 1);
        const token = join(folder, 'coordinator.json');
        ok((JSON.parse(readFileSync(token, 'utf8')) as { token: string }).token);
        equal(statSync(token).mode & 0o077, 0);
      }
      equal(await setup(), 'both nodes are there\n');
    });
  });
});
