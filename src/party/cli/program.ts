import { Command, CommanderError } from 'commander';
import { addAuditCommands } from './audit-commands.ts';
import { type CliContext, EXIT_OK, EXIT_USAGE } from './command.ts';
import { failureOf, failureText } from './failure.ts';
import { addNodeCommands } from './node-commands.ts';
import type { Shell } from './shell.ts';
import { printableJson } from './tables.ts';
import { addTaskCommands } from './task-commands.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a party, 4 the node or a party does not
answer, 5 evidence does not hold, 130 interrupted while waiting (what was begun goes on).
With --json one object is on standard output, or on standard error
{"error": {"code", "message", "hint"}}; tasks, models and datasets look as over HTTP.
`;

/** Runs one command line and resolves to its exit code. Prints nothing but through the context. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  // Known before parsing, which may fail: errors are JSON as well.
  const json = argv.includes('--json');
  const program = programOf(context, json);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_OK;
    // Commander has shown the help of what was named, in place of a message.
    if (error instanceof CommanderError && error.code === 'commander.help' && !json) {
      return EXIT_USAGE;
    }
    const failure = failureOf(error);
    context.err(failureText(failure, json));
    return failure.exit;
  }
}

function programOf(context: CliContext, json: boolean): Command {
  const program = new Command('entente')
    .description('A node that trains models jointly on data that no organisation shows.')
    .option('--json', 'print results and errors as JSON')
    .addHelpText('after', EXIT_CODES);
  const shell: Shell = {
    context,
    json,
    print: (result) => context.out(json ? `${printableJson(result.json)}\n` : result.text),
    printAll: async (pieces) => {
      for await (const piece of pieces) {
        context.out(piece);
        if (!(await context.outRoom())) return;
      }
    },
  };
  addNodeCommands(program, shell);
  addTaskCommands(program, shell);
  addAuditCommands(program, shell);
  settle(program, shell);
  return program;
}

/** Throw instead of exit, and print through the context; for a command and all below it. */
function settle(command: Command, shell: Shell): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => shell.context.out(text),
    writeErr: (text) => {
      if (!shell.json) shell.context.err(text);
    },
    outputError: () => undefined, // printed where errors are caught
  });
  for (const each of command.commands) settle(each, shell);
}
