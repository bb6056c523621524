import type { Command } from 'commander';
import { CONFIG_FILE_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE } from '../config-source.ts';
import type { CliContext, CommandResult } from './command.ts';
import type { NodeAddress } from './node-api.ts';

const DEFAULT_CONFIG = 'entente.yaml';

/** What every command is registered with. */
export interface Shell {
  readonly context: CliContext;
  /** Whether programs read the output. */
  readonly json: boolean;
  readonly print: (result: CommandResult) => void;
  /** Prints piece by piece, as fast as they are read; ends when nobody reads any more. */
  readonly printAll: (pieces: AsyncIterable<string>) => Promise<void>;
}

/** The options of commands on one node's configuration. */
export interface ConfigOptions {
  readonly config: string;
}

/** The options of commands that a running node answers. */
export interface NodeOptions extends ConfigOptions {
  readonly url?: string;
  readonly token?: string;
}

export function withConfig(command: Command, { context }: Shell): Command {
  const file = context.env[CONFIG_FILE_VARIABLE] || DEFAULT_CONFIG;
  const what = `the node's configuration (${CONFIG_FILE_VARIABLE})`;
  return command.option('--config <file>', what, file);
}

export function withNode(command: Command, shell: Shell): Command {
  return withConfig(command, shell)
    .option('--url <url>', `another node than that of the configuration (${URL_VARIABLE})`)
    .option('--token <token>', `for that node (${TOKEN_VARIABLE})`);
}

/** The node that a command's options and the environment name. */
export function addressOf({ context }: Shell, options: NodeOptions): NodeAddress {
  const { config, url, token } = options;
  return {
    config,
    env: context.env,
    ...(url !== undefined && { url }),
    ...(token !== undefined && { token }),
  };
}

/** Collects an option that may be given several times. */
export function each(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function group(program: Command, name: string, description: string): Command {
  return program.command(name).description(description);
}
