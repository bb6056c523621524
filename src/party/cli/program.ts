import { Command, CommanderError } from 'commander';
import { CONFIG_FILE_VARIABLE, type Environment } from '../config.ts';
import type { SampleOptions } from '../config-sample.ts';
import { ROLES } from '../tokens.ts';
import {
  type CliContext,
  CliError,
  type CommandResult,
  EXIT_FAILED,
  EXIT_OK,
  EXIT_USAGE,
} from './command.ts';
import { init } from './init.ts';
import { runNode } from './node.ts';
import { type PeerToAdd, peerAdd, peerShow } from './peer.ts';
import type { ConfigSource } from './read-config.ts';
import { type TokenOptions, tokenCreate, tokenList, tokenRevoke } from './token.ts';

const DEFAULT_CONFIG = 'entente.yaml';

/** Runs one command line and resolves to its exit code. Prints nothing but through the context. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const program = programOf(context);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    context.err(failureText(error, program.opts().json === true));
    return EXIT_FAILED;
  }
}

function programOf(context: CliContext): Command {
  const program = new Command('entente')
    .description('A node that trains models jointly on data that no organisation shows.')
    .option('--json', 'print results and errors as JSON');
  const print = (result: CommandResult): void => {
    const json = program.opts().json === true;
    context.out(json ? `${JSON.stringify(result.json)}\n` : result.text);
  };

  const { env } = context;
  const source = ({ config }: ConfigOptions): ConfigSource => ({ config, env });

  program
    .command('init')
    .description('create a node: identity, configuration, policy, folders')
    .argument('<dir>', 'a new or empty folder')
    .requiredOption('--name <name>', "the organisation's name: letters, digits, inner hyphens")
    .option('--grpc <host:port>', 'where peers connect')
    .option('--http <host:port>', 'where coordinators connect')
    .option('--allow-plaintext', 'HTTP beyond this machine, behind a proxy that does TLS')
    .action(async (dir: string, options: SampleOptions) => print(await init(dir, options)));

  withConfig(env, program.command('node').description('run the node until it is stopped')).action(
    async ({ config }: ConfigOptions) => runNode(config, context, print),
  );

  const peer = program.command('peer').description('the parties this node talks to');
  withConfig(env, peer.command('add').description('pin a peer by its certificate'))
    .argument('<name>', 'as its certificate says')
    .argument('<host:port>', 'where its node listens')
    .requiredOption('--certificate <file>', "the peer's certificate, as it sent it")
    .option('--fingerprint <hex>', 'as the peer told it by another way')
    .action(async (name: string, address: string, options: PeerOptions) =>
      print(await peerAdd(source(options), { ...options, name, address })),
    );
  withConfig(
    env,
    peer.command('show').description('what to send to a peer: certificate, fingerprint'),
  ).action(async (options: ConfigOptions) => print(await peerShow(source(options))));

  const token = program.command('token').description('access to the HTTP interface');
  withConfig(env, token.command('create').description('create a token and print it, once'))
    .requiredOption('--role <role>', ROLES.join(', '))
    .option('--label <text>', 'for lists', '')
    .action(async (options: TokenOptions & ConfigOptions) =>
      print(await tokenCreate(source(options), options)),
    );
  withConfig(
    env,
    token.command('list').description('list tokens; the tokens themselves are not kept'),
  ).action(async (options: ConfigOptions) => print(await tokenList(source(options))));
  withConfig(env, token.command('revoke').description('refuse a token from now on'))
    .argument('<id>', 'as listed')
    .action(async (id: string, options: ConfigOptions) =>
      print(await tokenRevoke(source(options), id)),
    );

  settle(program, context);
  return program;
}

interface ConfigOptions {
  readonly config: string;
}

type PeerOptions = ConfigOptions & Pick<PeerToAdd, 'certificate' | 'fingerprint'>;

function withConfig(env: Environment, command: Command): Command {
  const file = env[CONFIG_FILE_VARIABLE] || DEFAULT_CONFIG;
  return command.option('--config <file>', "the node's configuration", file);
}

/** Throw instead of exit, and print through the context; for a command and all below it. */
function settle(command: Command, context: CliContext): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text),
      writeErr: (text) => context.err(text),
    })
    .showHelpAfterError('(--help shows what this command takes)');
  for (const each of command.commands) settle(each, context);
}

function failureText(error: unknown, json: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof CliError ? error.hint : null;
  if (json) return `${JSON.stringify({ error: { message, hint } })}\n`;
  return hint === null ? `error: ${message}\n` : `error: ${message}\n  ${hint}\n`;
}
