import type { CliContext, CommandResult } from './command.ts';

/** Runs a node until the process is asked to end. */
export async function runNode(
  configPath: string,
  context: CliContext,
  print: (result: CommandResult) => void,
): Promise<void> {
  const node = await context.startNode(configPath);
  try {
    const lines = Object.entries(node.listening).map(([name, address]) => `${name}: ${address}\n`);
    print({ text: lines.join(''), json: { listening: node.listening } });
    await context.untilStopped();
  } finally {
    await node.stop();
  }
}
