/** The value after `--name`, or the default. */
export function option(args: readonly string[], name: string, fallback: string): string {
  const at = args.indexOf(`--${name}`);
  if (at < 0) return fallback;
  const value = args[at + 1];
  if (value === undefined) throw new RangeError(`--${name} needs a value`);
  return value;
}

/** Every value after a `--name`. */
export function options(args: readonly string[], name: string): string[] {
  return args.flatMap((arg, i) => (arg === `--${name}` && args[i + 1] ? [args[i + 1]!] : []));
}

/** A positive number after `--name`. */
export function count(args: readonly string[], name: string, fallback: number): number {
  const value = Number(option(args, name, String(fallback)));
  if (!(value > 0)) throw new RangeError(`--${name} needs a positive number`);
  return value;
}
