#!/usr/bin/env node
import { once } from 'node:events';
import type { CliContext, RunningNode } from './command.ts';
import { runCli } from './program.ts';

const context: CliContext = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  env: process.env,
  untilStopped: async () => {
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  },
  startNode: async (configPath) => {
    const { startNode } = (await import(NODE_MODULE)) as {
      readonly startNode: (configPath: string) => Promise<RunningNode>;
    };
    return startNode(configPath);
  },
};

/** Loaded only by `entente node`: it brings gRPC and the database. */
const NODE_MODULE = '../node.js';

process.exitCode = await runCli(process.argv.slice(2), context);
