import { CliError } from './command.ts';

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EISDIR: 'is a folder',
  EACCES: 'may not be read by you',
};

/** The error for a file that a command cannot read, by why that is. */
export function unreadable(path: string, hint: string, cause: unknown): CliError {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const message = `${path} ${WHY_UNREADABLE[errno] ?? 'cannot be read'}`;
  return new CliError(message, hint, { cause });
}
