/** The commands that set a node up and run it. */
import type { Command } from 'commander';
import type { SampleOptions } from '../config-sample.ts';
import { dataList, dataRegister, dataRemove, dataShow } from './data.ts';
import { init } from './init.ts';
import { runNode } from './node.ts';
import { type PeerToAdd, peerAdd, peerList, peerRemove, peerShow } from './peer.ts';
import {
  addressOf,
  type ConfigOptions,
  group,
  type NodeOptions,
  type Shell,
  withConfig,
  withNode,
} from './shell.ts';
import { type TokenOptions, tokenCreate, tokenList, tokenRevoke } from './token.ts';

export function addNodeCommands(program: Command, shell: Shell): void {
  const { context, print } = shell;

  program
    .command('init')
    .description('create a node: identity, configuration, policy, folders')
    .argument('<dir>', 'a new or empty folder')
    .requiredOption('--name <name>', "the organisation's name: letters, digits, inner hyphens")
    .option('--grpc <host:port>', 'where peers connect')
    .option('--http <host:port>', 'where coordinators connect')
    .option('--allow-plaintext', 'HTTP beyond this machine, behind a proxy that does TLS')
    .action(async (dir: string, options: SampleOptions) => print(await init(dir, options)));

  withConfig(program.command('node').description('run the node until it is stopped'), shell).action(
    async ({ config }: ConfigOptions) => runNode(config, context, print),
  );

  addPeerCommands(group(program, 'peer', 'the parties this node talks to'), shell);
  addDataCommands(group(program, 'data', 'the datasets that tasks can use'), shell);
  addTokenCommands(group(program, 'token', 'access to the HTTP interface'), shell);
}

type PeerOptions = ConfigOptions & Pick<PeerToAdd, 'certificate' | 'fingerprint'>;

function addPeerCommands(peer: Command, shell: Shell): void {
  const { print } = shell;
  const command = (name: string, description: string): Command =>
    withConfig(peer.command(name).description(description), shell);

  command('add', 'pin a peer by its certificate; a running node knows it at once')
    .argument('<name>', 'as its certificate says')
    .argument('<host:port>', 'where its node listens')
    .requiredOption('--certificate <file>', "the peer's certificate, as it sent it")
    .option('--fingerprint <hex>', 'as the peer told it by another way')
    .action(async (name: string, address: string, options: PeerOptions) =>
      print(await peerAdd(addressOf(shell, options), { ...options, name, address })),
    );
  command('list', 'the pinned peers').action(async (options: ConfigOptions) =>
    print(await peerList(addressOf(shell, options))),
  );
  command('show', 'what to send to a peer: certificate, fingerprint')
    .argument('[name]', 'a peer, to see what is pinned of it')
    .action(async (name: string | undefined, options: ConfigOptions) =>
      print(await peerShow(addressOf(shell, options), name)),
    );
  command('remove', 'forget a peer; a running node talks to it no more')
    .argument('<name>', 'as listed')
    .action(async (name: string, options: ConfigOptions) =>
      print(await peerRemove(addressOf(shell, options), name)),
    );
}

interface PartyOption {
  readonly party?: string;
}

function addDataCommands(data: Command, shell: Shell): void {
  const { print } = shell;
  const command = (name: string, description: string): Command =>
    withNode(data.command(name).description(description), shell);
  const party = ['--party <name>', "a peer's, as far as its policy shows it to this node"] as const;

  command('register', 'give a file a name: tasks and policies then say dataset:NAME')
    .argument('<name>', 'letters, digits, inner ".", "_", "-"')
    .argument('<path>', 'from the data folder')
    .option('--type <type>', 'csv, json or parquet; else by the name of the file')
    .action(async (name: string, path: string, options: NodeOptions & { readonly type?: string }) =>
      print(await dataRegister(addressOf(shell, options), { ...options, name, path })),
    );
  command('list', 'files and registered names')
    .option(...party)
    .action(async (options: NodeOptions & PartyOption) =>
      print(await dataList(addressOf(shell, options), options.party)),
    );
  command('show', 'columns, types and number of rows')
    .argument('<path>', 'as listed')
    .option(...party)
    .action(async (path: string, options: NodeOptions & PartyOption) =>
      print(await dataShow(addressOf(shell, options), path, options.party)),
    );
  command('remove', 'take a name away; the file stays')
    .argument('<name>', 'as registered')
    .action(async (name: string, options: NodeOptions) =>
      print(await dataRemove(addressOf(shell, options), name)),
    );
}

function addTokenCommands(token: Command, shell: Shell): void {
  const { print } = shell;
  const command = (name: string, description: string): Command =>
    withNode(token.command(name).description(description), shell);

  command('create', 'create a token; it is shown once')
    .requiredOption('--role <role>', 'coordinator, auditor or admin')
    .option('--label <text>', 'what it is for', '')
    .option('--save', 'keep it where commands on this machine find it, and do not show it')
    .action(async (options: NodeOptions & TokenOptions) =>
      print(await tokenCreate(addressOf(shell, options), options)),
    );
  command('list', 'list tokens; the tokens themselves are not kept').action(
    async (options: NodeOptions) => print(await tokenList(addressOf(shell, options))),
  );
  command('revoke', 'refuse a token from now on')
    .argument('<id>', 'as listed')
    .action(async (id: string, options: NodeOptions) =>
      print(await tokenRevoke(addressOf(shell, options), id)),
    );
}
