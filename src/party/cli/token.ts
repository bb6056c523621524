import { systemRng } from '../../protocols/primitives/rng.ts';
import type { NodeConfig } from '../config.ts';
import { writeDurably } from '../durable-file.ts';
import { operatorTokenFile } from '../node-folders.ts';
import type { Store } from '../store.ts';
import { ROLES, type Role, storedTokens } from '../tokens.ts';
import { CliError, type CommandResult, usageError } from './command.ts';
import type { NodeAddress } from './node-api.ts';
import { withTrail } from './offline-trail.ts';
import { storeOrNode } from './store-or-node.ts';
import { table } from './tables.ts';

export interface TokenOptions {
  readonly role: string;
  /** For lists. */
  readonly label: string;
  /** Keep it in the file that commands on this machine use. */
  readonly save?: boolean;
}

interface Created {
  readonly token: string;
  readonly id: string;
  /** Null when the node was named by its address. */
  readonly config: NodeConfig | null;
}

/** Creates a token. Its text is in the result, in the file that was asked for, and nowhere else. */
export async function tokenCreate(
  address: NodeAddress,
  { role: roleName, label, save = false }: TokenOptions,
): Promise<CommandResult> {
  const role = ROLES.find((each) => each === roleName);
  if (!role) throw usageError(`there is no role ${roleName}`, `use one of ${ROLES.join(', ')}`);
  const created = await storeOrNode<Created>(address, {
    store: async (store, config) => {
      const { token, record } = await storedTokens(store, systemRng).create({ role, label });
      await recordToken(store, config, 'token_created', record.id, role);
      return { token, id: record.id, config };
    },
    node: async ({ api, config }) => ({ ...(await api.createToken(role, label)), config }),
  });
  const { token, id, config } = created;
  if (!save) {
    return {
      text: `${token}\n  id    ${id}\n  role  ${role}\nKeep it: it is not stored and cannot be shown again.\n`,
      json: { token, id, role, label },
    };
  }
  if (!config) throw usageError('--save needs a node on this machine', 'leave out --url');
  const file = operatorTokenFile(config);
  await writeDurably(file, `${token}\n`, { mode: 0o600 });
  return {
    text: `Commands on this machine use a token of role ${role} from now on.\n  id    ${id}\n  file  ${file}\n`,
    json: { id, role, label, file },
  };
}

export async function tokenList(address: NodeAddress): Promise<CommandResult> {
  const tokens = await storeOrNode(address, {
    store: async (store) =>
      (await storedTokens(store, systemRng).list()).map(({ id, role, label, createdAt }) => ({
        id,
        role,
        label,
        createdAt,
      })),
    node: async ({ api }) =>
      (await api.tokens()).map(({ id, role, label, created_at: createdAt }) => ({
        id,
        role: role as Role,
        label,
        createdAt,
      })),
  });
  const rows = tokens.map(({ id, role, createdAt, label }) => [id, role, createdAt, label]);
  return { text: table(rows), json: { tokens } };
}

export async function tokenRevoke(address: NodeAddress, id: string): Promise<CommandResult> {
  await storeOrNode(address, {
    store: async (store, config) => {
      if (await storedTokens(store, systemRng).revoke(id)) {
        return recordToken(store, config, 'token_revoked', id, null);
      }
      throw new CliError(`there is no token ${id}`, '"entente token list" shows them');
    },
    node: ({ api }) => api.revokeToken(id),
  });
  return { text: `${id} is revoked\n`, json: { revoked: id } };
}

/** Who runs commands on this machine is not told apart: whoever may read the node's files. */
function recordToken(
  store: Store,
  config: NodeConfig,
  action: 'token_created' | 'token_revoked',
  subject: string,
  role: Role | null,
): Promise<void> {
  const actor = { via: 'command', id: 'operator' } as const;
  return withTrail(store, config, async (trail) => {
    await trail.record('administration', {}, { action, actor, subject, role, digest: null });
  });
}
