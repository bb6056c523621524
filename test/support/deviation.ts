/** A party that runs the honest program and sends one message as it should not. */
import type { Channel, MessageType } from '../../src/protocols/channel.ts';

export const WAYS = [
  'short', // a byte is missing
  'long', // a byte too many
  'empty', // no bytes
  'huge', // far more bytes than there can be
  'noise', // other bytes, as many
  'more', // a number is larger by one
  'fewer', // smaller by one
  'none', // zero
  'most', // 2^32 - 1
  'undecodable',
  'another', // bytes under another type's name
  'twice',
  'later', // after the next one
  'stop', // the party fails
  'never', // it is there, and says nothing more
] as const;
export type Way = (typeof WAYS)[number];

/** Which of a party's messages is not as it should be, and how. */
export interface Deviation {
  /** Its number over all channels of the party, from 0; or the first whose type has this name. */
  readonly at: number | string;
  readonly way: Way;
}

export class DeviationError extends Error {}

export interface DeviatingParty {
  /** To be put around every channel of the party. */
  wrap(channel: Channel): Channel;
  /** Types of the messages that the party meant to send so far. */
  readonly sent: readonly string[];
  /** The type of the message that was changed; null while none was. */
  readonly changed: string | null;
}

const HUGE_BYTES = 8 << 20;

/** Without a deviation the party is honest, and counted. */
export function deviatingParty(deviation?: Deviation): DeviatingParty {
  const sent: string[] = [];
  let changed: string | null = null;
  let held: (() => Promise<void>) | undefined;

  function isMeant(k: number, type: string): boolean {
    if (typeof deviation?.at !== 'string') return k === deviation?.at;
    return changed === null && type.endsWith(`.${deviation.at}`);
  }

  async function send<M>(inner: Channel, type: MessageType<M>, message: M): Promise<void> {
    const k = sent.push(type.$type) - 1;
    if (!isMeant(k, type.$type)) {
      const before = held;
      held = undefined;
      await inner.send(type, message);
      await before?.();
      return;
    }
    const { way } = deviation!;
    const deviant = deviate(way, type, message);
    if (!deviant) return inner.send(type, message);
    changed = type.$type;
    if (way === 'stop') throw new DeviationError(`stopped at ${type.$type}`);
    if (way === 'never') await new Promise(() => undefined);
    if (way === 'later') {
      held = () => inner.send(type, message);
      return;
    }
    await inner.send(deviant.type, deviant.message);
    if (way === 'twice') await inner.send(type, message);
  }

  const wrap = (inner: Channel): Channel => ({
    stats: inner.stats,
    send: (type, message) => send(inner, type, message),
    receive: (type) => inner.receive(type),
    fork: (label) => wrap(inner.fork(label)),
  });
  return {
    wrap,
    sent,
    get changed() {
      return changed;
    },
  };
}

/** What is sent in place of a message; null where it has no field of the kind. */
function deviate<M>(
  way: Way,
  type: MessageType<M>,
  message: M,
): { readonly type: MessageType<M>; readonly message: M } | null {
  const fields = Object.entries(message as object);
  const replaced = (isKind: (value: unknown) => boolean, change: (value: never) => unknown) => {
    const field = fields.find(([, value]) => isKind(value));
    return field && { type, message: { ...message, [field[0]]: change(field[1] as never) } };
  };
  const bytes = (change: (value: Uint8Array) => Uint8Array) =>
    replaced((value) => value instanceof Uint8Array, change) ?? null;
  const number = (change: (value: number) => number) =>
    replaced(
      (value) => typeof value === 'number' && change(value) >= 0 && change(value) !== value,
      change,
    ) ?? null;
  switch (way) {
    case 'short':
      return bytes((value) => value.slice(0, -1));
    case 'long':
      return bytes((value) => Buffer.concat([value, Uint8Array.of(7)]));
    case 'empty':
      return bytes(() => new Uint8Array(0));
    case 'huge':
      return bytes(() => new Uint8Array(HUGE_BYTES).fill(7));
    case 'noise':
      return bytes((value) => value.map((_, i) => (i * 89 + 41) % 251));
    case 'more':
      return number((value) => value + 1);
    case 'fewer':
      return number((value) => value - 1);
    case 'none':
      return number(() => 0);
    case 'most':
      return number(() => 2 ** 32 - 1);
    case 'undecodable':
      return { type: typed(type, type.$type, () => Uint8Array.of(0xff)), message };
    case 'another': {
      const encode = (value: M) => type.encode(value).finish();
      return { type: typed(type, 'entente.test.v1.Another', encode), message };
    }
    case 'twice':
    case 'later':
    case 'stop':
    case 'never':
      return { type, message };
  }
}

function typed<M>(
  type: MessageType<M>,
  name: string,
  encode: (message: M) => Uint8Array,
): MessageType<M> {
  return {
    $type: name,
    encode: (message) => ({ finish: () => encode(message) }),
    decode: (bytes) => type.decode(bytes),
  };
}
