import { type ParseArgsConfig, parseArgs } from 'node:util';

type Declared = NonNullable<ParseArgsConfig['options']>;
type Given<T extends Declared> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** A command line that cannot be run. The message is meant for whoever typed it. */
export class OptionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OptionError';
  }
}

/** The options in `args`, `--no-name` for a boolean one included. Throws `OptionError` for others. */
export function readOptions<T extends Declared>(args: readonly string[], declared: T): Given<T> {
  try {
    const parsed = parseArgs({ args: [...args], options: declared, allowNegative: true });
    return parsed.values as Given<T>;
  } catch (cause) {
    if (!isOptionError(cause)) throw cause;
    const names = Object.keys(declared).map((name) => `--${name}`);
    const [problem] = cause.message.split('. ');
    throw new OptionError(`${problem}; the options are ${names.join(', ')}`, { cause });
  }
}

/** Whether an error says that the command line is wrong, rather than that the work failed. */
export function isOptionError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  return (
    error instanceof OptionError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS'))
  );
}

/** A whole number of at least `least`. */
export function wholeNumber(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw new OptionError(`--${name} expected a whole number of at least ${least}, got "${text}"`);
  }
  return value;
}

/** One of the values that exist. */
export function oneOf<T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new OptionError(`--${name} expected one of ${values.join(', ')}, got "${text}"`);
}
