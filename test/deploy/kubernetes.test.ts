import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { openLogKeyFile } from '../../src/party/audit/log-key-file.ts';
import { parseConfig } from '../../src/party/config.ts';
import { parsePolicy } from '../../src/party/policy-file.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const FOLDER = 'deploy/kubernetes';
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

/** As much of a manifest as the tests look at. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly volumeMounts: readonly Mount[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

interface StatefulSet {
  readonly serviceName: string;
  readonly replicas: number;
  readonly template: {
    readonly spec: {
      readonly securityContext: object;
      readonly initContainers: readonly Container[];
      readonly containers: readonly Container[];
      readonly volumes: readonly { readonly name: string; readonly configMap?: { name: string } }[];
    };
  };
  readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: string[] }[];
}

describe('deploy kubernetes', () => {
  const kustomization = parse(read('kustomization.yaml')) as Kustomization;
  const manifests = kustomization.resources.flatMap((file) =>
    parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest),
  );
  const stateful = manifests.find(({ kind }) => kind === 'StatefulSet')!;
  const spec = stateful.spec as StatefulSet;
  const pod = spec.template.spec;
  const [node] = pod.containers;
  const config = parseConfig(read('entente.yaml'), {}, { dir: '/etc/entente' });

  it('gives the node a configuration and a policy that it accepts', () => {
    equal(parsePolicy(read('policy.yaml')).rules.length, 1);
    const mounts = new Map(node!.volumeMounts.map((mount) => [mount.mountPath, mount]));
    const writable = (path: string): boolean =>
      [...mounts].some(([at, mount]) => path.startsWith(`${at}/`) && mount.readOnly !== true);
    ok(writable(config.dataDir) && writable(config.resultDir));
    for (const path of [config.policyFile, config.peers[0]!.certificate]) {
      const [at, mount] = [...mounts]
        .filter(([prefix]) => path.startsWith(`${prefix}/`))
        .sort(([a], [b]) => b.length - a.length)[0]!;
      const volume = pod.volumes.find(({ name }) => name === mount.name)!;
      const generated = kustomization.configMapGenerator.find(
        ({ name }) => name === volume.configMap?.name,
      )!;
      const file = path.slice(at.length + 1);
      ok(
        generated.files.some((each) => each.endsWith(file)),
        path,
      );
    }
    ok(mounts.has(config.identity.dir));
    deepEqual(node!.args, ['node', '--config', '/etc/entente/entente.yaml']);
  });

  it('keeps the audit log and its key on the persistent volume, and out of its group’s reach', () =>
    withTemporaryDirectory(async (root) => {
      const claims = spec.volumeClaimTemplates.map(({ metadata }) => metadata.name);
      const holding = node!.volumeMounts
        .filter(({ mountPath }) => config.dataDir.startsWith(`${mountPath}/`))
        .map(({ name }) => name);
      deepEqual(holding, claims);
      const [prepare] = pod.initContainers;
      ok(prepare!.volumeMounts.some(({ name }) => claims.includes(name)));
      const folders = ['var/lib/entente', 'run/entente/identity', 'run/secrets/identity'];
      for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
      for (const file of ['identity.key', 'identity.crt']) {
        writeFileSync(join(root, 'run/secrets/identity', file), file, { mode: 0o440 });
      }
      const [shell, flags, script] = prepare!.command!;
      const run = () =>
        execFileSync(shell!, [flags!, script!.replaceAll(/\/(var|run)\//g, `${root}/$1/`)]);
      run(); // a new volume
      const state = join(root, config.dataDir);
      await openLogKeyFile(state);
      const key = join(state, 'log.key');
      chmodSync(key, 0o660); // as a volume comes back with fsGroup
      await rejects(openLogKeyFile(state), { code: 'bad_log_key' });
      run();
      equal(statSync(key).mode & 0o777, 0o600);
      await openLogKeyFile(state);
    }));

  it('mounts only volumes that it has', () => {
    const names = [
      ...pod.volumes.map(({ name }) => name),
      ...spec.volumeClaimTemplates.map(({ metadata }) => metadata.name),
    ];
    for (const container of [...pod.initContainers, ...pod.containers]) {
      for (const { name } of container.volumeMounts) ok(names.includes(name), name);
    }
  });

  it('runs one process without rights, on a file system that it cannot write', () => {
    equal(spec.replicas, 1);
    const { runAsNonRoot, runAsUser } = pod.securityContext as Record<string, unknown>;
    deepEqual([runAsNonRoot, runAsUser], [true, 10001]);
    for (const container of [...pod.initContainers, ...pod.containers]) {
      deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      match(container.resources.limits.memory, /^\d+[MG]i$/);
    }
  });

  it('is reached and probed where the node listens', () => {
    const ports = Object.fromEntries(
      node!.ports!.map(({ name, containerPort }) => [name, containerPort]),
    );
    deepEqual(ports, { grpc: config.listen.grpc.port, http: config.listen.http.port });
    deepEqual(
      [node!.startupProbe, node!.livenessProbe, node!.readinessProbe].map((probe) => [
        probe!.httpGet.path,
        probe!.httpGet.port,
      ]),
      [
        ['/livez', 'http'],
        ['/livez', 'http'],
        ['/readyz', 'http'],
      ],
    );
    const services = manifests.filter(({ kind }) => kind === 'Service');
    ok(services.some(({ metadata }) => metadata.name === spec.serviceName));
    for (const { spec: service } of services) {
      for (const { targetPort } of (service as { ports: { targetPort: string }[] }).ports) {
        ok(Object.hasOwn(ports, targetPort), targetPort);
      }
    }
  });
});
