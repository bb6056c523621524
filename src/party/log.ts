import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config.ts';

/**
 * The node's log: JSON lines, one for each phase of a task. The level of what is logged:
 *
 * | level | for |
 * |---|---|
 * | error | this node failed; somebody has to act |
 * | warn | a peer or a request failed; the node goes on |
 * | info | starts, stops, and one line for each phase of a task |
 * | debug | what one would ask for next, with texts that peers chose |
 * | trace | single messages: type and size |
 *
 * Above debug no text that came over the network is logged, except ids that were validated. Values
 * of datasets, shares and keys are logged at no level; the list of redacted keys is a second net.
 */
export type NodeLog = Pick<
  Logger,
  'level' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' | 'child'
>;

/** What a line about a phase of a task holds. */
export interface PhaseFields {
  readonly task: string;
  readonly phase: string;
  readonly attempt?: number;
  readonly peer?: string;
  readonly bytes?: number;
  readonly ms?: number;
  /** Why the phase failed: a code, never the message of a peer. */
  readonly code?: string;
}

/** Keys whose values never appear, at the top of a line or one or two levels below. */
const SECRET_KEYS = [
  'key',
  'privateKey',
  'secretKey',
  'signingKey',
  'ephemeralKey',
  'macKey',
  'passphrase',
  'password',
  'token',
  'secret',
  'authorization',
  'cookie',
  'salt',
  'seed',
  'share',
  'shares',
  'mask',
  'masks',
  'value',
  'values',
  'label',
  'labels',
  'features',
  'weights',
  'rows',
  'keys',
  'payload',
  'body',
] as const;

const REDACTED = '[redacted]';

/** Where the log goes and from which level on. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Text for people instead of JSON. */
  readonly pretty: boolean;
  /** The organisation: in every line. */
  readonly node: string;
}

/** Creates the log. Lines go to `destination`, in the end standard error. */
export function createLog(
  { level, pretty, node }: LogOptions,
  destination: DestinationStream,
): NodeLog {
  return pino(
    {
      level,
      base: { node },
      messageKey: 'msg',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: REDACTED,
      },
      serializers: { err: errorFields, error: errorFields },
    },
    pretty ? { write: (line) => destination.write(prettyLine(line)) } : destination,
  );
}

/** One line about a phase: `info`, or `warn` with the code if it failed. */
export function logPhase(log: NodeLog, fields: PhaseFields): void {
  if (fields.code === undefined) log.info(fields, 'phase done');
  else log.warn(fields, 'phase failed');
}

/**
 * Errors whose messages this node words by itself, without values: of these the log shows the
 * message.
 */
const OWN_MESSAGE: readonly string[] = ['ConfigError', 'DatasetError', 'PolicyError'];

/**
 * What is logged of an error: its class, its code and where it arose. Its message may hold what a
 * peer or a file says, so it is left out, but for errors of the operating system and those in
 * `OWN_MESSAGE`.
 */
function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  const showsMessage = typeof syscall === 'string' || OWN_MESSAGE.includes(error.name);
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line));
  return {
    type: error.name,
    ...(typeof code === 'string' && /^\w{1,64}$/.test(code) ? { code } : {}),
    ...(showsMessage ? { message: error.message } : {}),
    stack: frames.map((line) => line.trim()).join('\n'),
    ...(error.cause === undefined ? {} : { cause: errorFields(error.cause) }),
  };
}

/** `12:00:01.234 INFO  phase done task=... ms=12`. Control characters are escaped, as in JSON. */
function prettyLine(json: string): string {
  const { time, level, msg, node: _, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([name, value]) => {
    const text =
      typeof value === 'string' && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
    return ` ${name}=${text}`;
  });
  const message = JSON.stringify(msg ?? '').slice(1, -1);
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${message}${fields.join('')}\n`;
}
