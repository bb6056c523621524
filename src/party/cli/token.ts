import { systemRng } from '../../protocols/primitives/rng.ts';
import { storeFolder } from '../node-folders.ts';
import { Store, StoreError } from '../store.ts';
import { ROLES, storedTokens, type Tokens } from '../tokens.ts';
import { CliError, type CommandResult } from './command.ts';
import { type ConfigSource, readConfig } from './read-config.ts';

export interface TokenOptions {
  readonly role: string;
  /** For lists. */
  readonly label: string;
}

/** Creates a token. Its text is in the result and nowhere else. */
export async function tokenCreate(
  source: ConfigSource,
  { role: roleName, label }: TokenOptions,
): Promise<CommandResult> {
  const role = ROLES.find((each) => each === roleName);
  if (!role) throw new CliError(`there is no role ${roleName}`, `use one of ${ROLES.join(', ')}`);
  return withTokens(source, async (tokens) => {
    const { token, record } = await tokens.create({ role, label });
    return {
      text: `${token}\n  id    ${record.id}\n  role  ${role}\nKeep it: it is not stored and cannot be shown again.\n`,
      json: { token, id: record.id, role, label },
    };
  });
}

export async function tokenList(source: ConfigSource): Promise<CommandResult> {
  return withTokens(source, async (tokens) => {
    const list = (await tokens.list()).map(({ id, role, label, createdAt }) => ({
      id,
      role,
      label,
      createdAt,
    }));
    const lines = list.map((each) =>
      `${each.id}  ${each.role.padEnd(11)}  ${each.createdAt}  ${each.label}`.trimEnd(),
    );
    return { text: lines.map((line) => `${line}\n`).join(''), json: { tokens: list } };
  });
}

export async function tokenRevoke(source: ConfigSource, id: string): Promise<CommandResult> {
  return withTokens(source, async (tokens) => {
    if (await tokens.revoke(id)) return { text: `${id} is revoked\n`, json: { revoked: id } };
    throw new CliError(`there is no token ${id}`, '"entente token list" shows them');
  });
}

async function withTokens(
  source: ConfigSource,
  use: (tokens: Tokens) => Promise<CommandResult>,
): Promise<CommandResult> {
  const config = await readConfig(source);
  let store: Store;
  try {
    store = await Store.open(storeFolder(config));
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    const hint =
      cause.code === 'LOCKED'
        ? 'the node is running: stop it first, or ask it over HTTP (/api/v1/tokens, role admin)'
        : 'check the folder and who may write to it';
    throw new CliError(cause.message, hint, { cause });
  }
  try {
    return await use(storedTokens(store, systemRng));
  } finally {
    await store.close();
  }
}
