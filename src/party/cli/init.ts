import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemRng } from '../../protocols/primitives/rng.ts';
import { ConfigError, parseConfig } from '../config.ts';
import { type SampleOptions, sampleConfig } from '../config-sample.ts';
import { createIdentity, saveIdentity } from '../identity.ts';
import { operatorTokenFile, storeFolder } from '../node-folders.ts';
import { Store } from '../store.ts';
import { storedTokens } from '../tokens.ts';
import { CliError, type CommandResult } from './command.ts';
import { SAMPLE_POLICY } from './sample-policy.ts';

/** As the sample configuration names them. */
const FOLDERS = ['identity', 'peers', 'data', 'state', 'results'];

/** Creates a node in a new or empty folder. Overwrites nothing. */
export async function init(dir: string, options: SampleOptions): Promise<CommandResult> {
  const { name } = options;
  const text = checkedConfig(options);
  const root = resolve(dir);
  await refuseUsedFolder(root);

  for (const folder of [root, ...FOLDERS.map((each) => join(root, each))]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const identity = await createIdentity(name);
  await saveIdentity(join(root, 'identity'), identity);
  const config = join(root, 'entente.yaml');
  await createOperatorToken(join(root, 'state'));
  await writeFile(join(root, 'policy.yaml'), SAMPLE_POLICY, { flag: 'wx', mode: 0o640 });
  // Last: a folder with a configuration is a complete one.
  await writeFile(config, text, { flag: 'wx', mode: 0o640 });

  const certificate = join(root, 'identity', 'identity.crt');
  const summary = `${name} is ready in ${root}
  fingerprint  ${identity.fingerprint}
  certificate  ${certificate}
Next:
  1. exchange certificates: entente peer add NAME HOST:PORT --certificate FILE --config ${config}
  2. put data into ${join(root, 'data')} and say in policy.yaml what may be done with it
  3. entente node --config ${config}
`;
  return {
    text: summary,
    json: { name, dir: root, config, certificate, fingerprint: identity.fingerprint },
  };
}

/** So that commands on this machine can use the node once it runs. Only its hash is in the store. */
async function createOperatorToken(dataDir: string): Promise<void> {
  const store = await Store.open(storeFolder({ dataDir }));
  try {
    const { token } = await storedTokens(store, systemRng).create({
      role: 'admin',
      label: 'operator',
    });
    const file = operatorTokenFile({ dataDir });
    await writeFile(file, `${token}\n`, { flag: 'wx', mode: 0o600 });
  } finally {
    await store.close();
  }
}

/** The sample configuration, which must be one that a node starts with. */
function checkedConfig(options: SampleOptions): string {
  const text = sampleConfig(options);
  try {
    parseConfig(text, {}, { name: 'init' });
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const hint = '--name, --grpc, --http and --allow-plaintext decide this';
    throw new CliError(cause.message, hint, { cause });
  }
  return text;
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
