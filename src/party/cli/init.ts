import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isPartyName } from '../certificate.ts';
import { sampleConfig } from '../config-sample.ts';
import { createIdentity, saveIdentity } from '../identity.ts';
import { CliError, type CommandResult } from './command.ts';

import { SAMPLE_POLICY } from './sample-policy.ts';

/** As the sample configuration names them. */
const FOLDERS = ['identity', 'peers', 'data', 'state', 'results'];

export interface InitOptions {
  readonly name: string;
  /** `host:port`; the sample configuration's when absent. */
  readonly grpc?: string;
  /** `host:port`; the sample configuration's when absent. */
  readonly http?: string;
}

const ADDRESS = /^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/;

/** Creates a node in a new or empty folder. Overwrites nothing. */
export async function init(dir: string, options: InitOptions): Promise<CommandResult> {
  const { name } = options;
  if (!isPartyName(name)) {
    const hint = 'use 1 to 63 letters, digits and inner hyphens, e.g. --name orgA';
    throw new CliError(`"${name}" cannot be the name of a party`, hint);
  }
  checkAddress('--grpc', options.grpc);
  checkAddress('--http', options.http);
  const root = resolve(dir);
  await refuseUsedFolder(root);

  for (const folder of [root, ...FOLDERS.map((each) => join(root, each))]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const identity = await createIdentity(name);
  await saveIdentity(join(root, 'identity'), identity);
  const config = join(root, 'entente.yaml');
  await writeFile(join(root, 'policy.yaml'), SAMPLE_POLICY, { flag: 'wx', mode: 0o640 });
  // Last: a folder with a configuration is a complete one.
  await writeFile(config, sampleConfig(options), { flag: 'wx', mode: 0o640 });

  const certificate = join(root, 'identity', 'identity.crt');
  const text = `${name} is ready in ${root}
  fingerprint  ${identity.fingerprint}
  certificate  ${certificate}
Next:
  1. exchange certificates: entente peer add NAME HOST:PORT --certificate FILE --config ${config}
  2. put data into ${join(root, 'data')} and say in policy.yaml what may be done with it
  3. entente token create --role coordinator --config ${config}
  4. entente node --config ${config}
`;
  return {
    text,
    json: { name, dir: root, config, certificate, fingerprint: identity.fingerprint },
  };
}

function checkAddress(option: string, address?: string): void {
  if (address === undefined) return;
  const port = Number(ADDRESS.exec(address)?.[1]);
  if (port >= 1 && port <= 65_535) return;
  throw new CliError(
    `${option} ${address} is not host:port`,
    `write it like ${option} 127.0.0.1:8080`,
  );
}

async function refuseUsedFolder(root: string): Promise<void> {
  const entries = await readdir(root).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length > 0) {
    throw new CliError(`${root} is not empty`, 'name a new folder; init overwrites nothing');
  }
}
