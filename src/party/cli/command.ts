import type { Environment } from '../config-source.ts';

/** What a command gives back: text for people, the same as JSON for programs. */
export interface CommandResult {
  readonly text: string;
  readonly json: object;
}

/** Where a command line runs; the process in production, buffers in tests. */
export interface CliContext {
  out(text: string): void;
  /** Resolves when there is room for more: whether anybody reads on. */
  outRoom(): Promise<boolean>;
  err(text: string): void;
  /** Standard error where it is a terminal, for progress bars. */
  readonly terminal: NodeJS.WritableStream | null;
  /** The whole of standard input. */
  readInput(): Promise<string>;
  /** The process's environment. */
  readonly env: Environment;
  /** Resolves when the process is asked to end. Asked twice, it ends. */
  untilStopped(): Promise<void>;
  /** Starts a node; separate so that the other commands load nothing of it. */
  startNode(configPath: string): Promise<RunningNode>;
}

export interface RunningNode {
  /** Where it listens, for people: e.g. `http: http://127.0.0.1:8080`. */
  readonly listening: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Exit codes, for scripts. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** A party does not want to. */
export const EXIT_REFUSED = 3;
/** The node, or a party, does not answer. */
export const EXIT_UNREACHABLE = 4;
/** Evidence does not hold. */
export const EXIT_NOT_VERIFIED = 5;
/** Interrupted while waiting; what was begun goes on. */
export const EXIT_INTERRUPTED = 130;

export interface CliErrorOptions extends ErrorOptions {
  /** Default `EXIT_FAILED`. */
  readonly exit?: number;
  /** For programs; default by the exit code. */
  readonly code?: string;
}

/** A command that could not do its work; the hint says what to do next. */
export class CliError extends Error {
  readonly hint: string;
  readonly exit: number;
  readonly code: string;

  constructor(message: string, hint: string, options: CliErrorOptions = {}) {
    super(message, options);
    this.name = 'CliError';
    this.hint = hint;
    this.exit = options.exit ?? EXIT_FAILED;
    this.code = options.code ?? CODE_OF_EXIT[this.exit] ?? 'FAILED';
  }
}

/** Exit codes of what a node, or a task, names by a code of its own; `EXIT_FAILED` for the others. */
export const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  REFUSED: EXIT_REFUSED,
  UNREACHABLE: EXIT_UNREACHABLE,
};

const CODE_OF_EXIT: Readonly<Record<number, string>> = {
  [EXIT_FAILED]: 'FAILED',
  [EXIT_USAGE]: 'USAGE',
  [EXIT_REFUSED]: 'REFUSED',
  [EXIT_UNREACHABLE]: 'UNREACHABLE',
  [EXIT_INTERRUPTED]: 'INTERRUPTED',
};

/** A command that was called in a way that cannot be meant. */
export function usageError(message: string, hint: string): CliError {
  return new CliError(message, hint, { exit: EXIT_USAGE });
}
