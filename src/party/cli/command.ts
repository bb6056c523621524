import type { Environment } from '../config.ts';

/** What a command gives back: text for people, the same as JSON for programs. */
export interface CommandResult {
  readonly text: string;
  readonly json: object;
}

/** Where a command line runs; the process in production, buffers in tests. */
export interface CliContext {
  out(text: string): void;
  err(text: string): void;
  /** The process's environment. */
  readonly env: Environment;
  /** Resolves when the process is asked to end. */
  untilStopped(): Promise<void>;
  /** Starts a node; separate so that the other commands load nothing of it. */
  startNode(configPath: string): Promise<RunningNode>;
}

export interface RunningNode {
  /** Where it listens, for people: e.g. `http: http://127.0.0.1:8080`. */
  readonly listening: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** A command that could not do its work; the hint says what to do next. */
export class CliError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.hint = hint;
  }
}

/** Exit codes, for scripts. */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
