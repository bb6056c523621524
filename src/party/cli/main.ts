#!/usr/bin/env node
import { once } from 'node:events';
import type { CliContext } from './command.ts';
import { runCli } from './program.ts';

const context: CliContext = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
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

process.exitCode = await runCli(process.argv.slice(2), context);
