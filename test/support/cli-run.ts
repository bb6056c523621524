import { equal } from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { RunningNode } from '../../src/party/cli/command.ts';
import { runCli } from '../../src/party/cli/program.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

/** What one command line did. */
export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What --json printed. */
  readonly json: Record<string, unknown>;
  /** What a terminal showed on the way. */
  readonly shown: string;
}

export interface CliRunOptions {
  readonly env?: Record<string, string>;
  readonly input?: string;
  /** Whether standard error is a terminal. */
  readonly terminal?: boolean;
  /** Asks the command to end; without it nobody does. */
  readonly stopped?: Promise<void>;
  readonly startNode?: (configPath: string) => Promise<RunningNode>;
}

/** Runs a command line in this process. */
export async function runInProcess(
  argv: readonly string[],
  options: CliRunOptions = {},
): Promise<CliRun> {
  let out = '';
  let err = '';
  const terminal = fakeTerminal();
  const code = await runCli(argv, {
    out: (text) => {
      out += text;
    },
    outRoom: async () => true,
    err: (text) => {
      err += text;
    },
    terminal: options.terminal ? terminal.stream : null,
    readInput: async () => options.input ?? '',
    env: options.env ?? {},
    untilStopped: () => options.stopped ?? new Promise(() => undefined),
    startNode: options.startNode ?? (() => Promise.reject(new Error('no node in this test'))),
  });
  const json = out.startsWith('{') ? (JSON.parse(out) as Record<string, unknown>) : {};
  return { code, out, err, json, shown: terminal.written() };
}

/** A stream that looks like a terminal and remembers what it was told. */
export function fakeTerminal(): {
  readonly stream: NodeJS.WritableStream;
  readonly written: () => string;
} {
  let written = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString('utf8');
      done();
    },
  });
  return {
    stream: Object.assign(stream, { isTTY: true, columns: 120 }),
    written: () => written,
  };
}

/** A new node, its folder and configuration. */
export async function withNode(use: (dir: string, config: string) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (parent) => {
    const dir = join(parent, 'node');
    const { code, err } = await runInProcess(['init', dir, '--name', 'orgA']);
    equal(code, 0, err);
    await use(dir, join(dir, 'entente.yaml'));
  });
}

/** Has the configuration say that its node's HTTP interface is at a port of this machine. */
export async function setHttpPort(config: string, port: number): Promise<void> {
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('127.0.0.1:7480', `127.0.0.1:${port}`));
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
