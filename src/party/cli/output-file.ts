import { stat } from 'node:fs/promises';
import { CliError } from './command.ts';

/** Throws `CliError` when there is a file: nothing is replaced unasked. */
export async function refuseExisting(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new CliError(`${path} exists`, 'name another file, or replace it with --force');
  }
}
