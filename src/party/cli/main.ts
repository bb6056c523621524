#!/usr/bin/env node
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { CliContext } from './command.ts';
import { runCli } from './program.ts';

let hasReaderLeft = false;

const context: CliContext = {
  out: (written) => void process.stdout.write(written),
  outRoom: async () => {
    const { stdout } = process;
    if (stdout.writableNeedDrain) await once(stdout, 'drain').catch(() => undefined);
    return !hasReaderLeft;
  },
  err: (written) => void process.stderr.write(written),
  terminal: process.stderr.isTTY ? process.stderr : null,
  readInput: () => text(process.stdin),
  env: process.env,
  untilStopped: async () => {
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  },
  startNode: async (configPath) => {
    // Loaded only here: it brings gRPC and the database.
    const { startNode } = await import('../node.ts');
    return startNode(configPath);
  },
};

// Whoever read the output may have left: `entente task list | head -1`. A node goes on all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (stream === process.stdout) hasReaderLeft = true;
  });
}

process.exitCode = await runCli(process.argv.slice(2), context);
