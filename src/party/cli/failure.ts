import { CommanderError } from 'commander';
import { NodeRequestError } from '../../sdk/node-client.ts';
import { ConfigError } from '../config.ts';
import { ApiError } from '../http/api-error.ts';
import { StoreError } from '../store.ts';
import { CliError, EXIT_FAILED, EXIT_OF_CODE, EXIT_UNREACHABLE, EXIT_USAGE } from './command.ts';
import { printable, printableJson } from './tables.ts';

/** What went wrong, for people and programs, and what to do next. */
export interface Failure {
  /** Upper-case words. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exit: number;
}

/** Every error of a command line in one form. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) {
    const { code, message, hint, exit } = error;
    return { code, message, hint, exit };
  }
  if (error instanceof CommanderError) return usageFailure(error);
  if (error instanceof NodeRequestError) return requestFailure(error);
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ApiError ? error.code : 'FAILED';
  return { code, message, hint: hintOf(error), exit: EXIT_FAILED };
}

export function failureText({ code, message, hint }: Failure, json: boolean): string {
  if (json) return `${printableJson({ error: { code, message, hint } })}\n`;
  return `error: ${message.split('\n').map(printable).join('\n')}\n  ${printable(hint)}\n`;
}

function usageFailure(error: CommanderError): Failure {
  // The suggestion is a line of its own: "(Did you mean init?)"
  const [first, ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest
    .join(' ')
    .trim()
    .replace(/^\(|\)$/g, '');
  const help = '--help shows what this command takes';
  return {
    code: 'USAGE',
    message: error.code === 'commander.help' ? 'a command is missing' : first!,
    hint: suggestion === '' ? help : `${suggestion} ${help}`,
    exit: EXIT_USAGE,
  };
}

/** For codes of the HTTP interface that say more than its status. */
const HINT_OF_CODE: Readonly<Record<string, string>> = {
  REFUSED:
    'ask that party to allow it: its policy.yaml decides, and its log says what stood against it',
  UNREACHABLE:
    'check that the party’s node runs and that its address is right: "entente peer list"',
  NOT_AVAILABLE: 'this version of the node does not do it: ask for something else',
  UNKNOWN_PARTY: '"entente peer list" shows the parties this node knows',
  DATASET_UNUSABLE: 'repair the data, or name others: "entente data list" shows them',
};

const HINT_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'correct what the message names and run this again',
  401: 'give a valid token with --token or ENTENTE_TOKEN: "entente token create" makes one',
  403: 'use a token of the role that the message names: "entente token create --role ROLE"',
  404: '"entente task list", "entente model list" and "entente data list" show what there is',
  409: 'look at its state first: it is past what you ask for',
  413: 'send less at once, or raise http.bodyLimit in the node’s configuration',
  429: 'wait a minute, or raise http.callsPerMinute in the node’s configuration',
  503: 'the node is busy: run this again later',
};

function requestFailure(error: NodeRequestError): Failure {
  const { status, message } = error;
  if (status === 0) {
    const hint = isUntrusted(error)
      ? 'its certificate is not known here: set NODE_EXTRA_CA_CERTS to the file of that certificate'
      : 'start it with "entente node", or name another with --url';
    return { code: 'UNREACHABLE', message, hint, exit: EXIT_UNREACHABLE };
  }
  const code = error.code ?? 'FAILED';
  const hint = HINT_OF_CODE[code] ?? HINT_OF_STATUS[status] ?? 'the log of the node says why';
  return { code, message, hint, exit: EXIT_OF_CODE[code] ?? EXIT_FAILED };
}

/** Whether TLS failed because nobody told this process of the node's own certificate. */
function isUntrusted(error: Error): boolean {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { readonly code?: unknown };
    if (typeof code === 'string' && /CERT|SELF_SIGNED|ALTNAME/.test(code)) return true;
  }
  return false;
}

const HINT_OF_ERRNO: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process uses this address: stop it, or change listen in the configuration',
  EACCES: 'check who may read and write there',
  EPERM: 'check who may read and write there',
  ENOENT: 'check the path',
  ENOSPC: 'make room on the disk and run this again',
};

const HINT_OF_NAME: Readonly<Record<string, string>> = {
  DatasetError:
    'paths of data count from the folders that data.roots names in the configuration; put the file there, or repair it',
  ModelFormatError: 'export the model again: "entente model export"',
  ApiError: '"entente data list" and "entente token list" show what there is',
};

function hintOf(error: unknown): string {
  const unknown = 'if the message does not help, report it together with the command';
  if (!(error instanceof Error)) return unknown;
  if (error instanceof ConfigError)
    return 'repair the configuration, or name another with --config';
  if (error instanceof StoreError) {
    return error.code === 'LOCKED'
      ? 'is this node running already? stop that process first'
      : 'check the folder and who may write to it';
  }
  const errno = 'code' in error ? HINT_OF_ERRNO[String(error.code)] : undefined;
  return errno ?? HINT_OF_NAME[error.name] ?? unknown;
}
