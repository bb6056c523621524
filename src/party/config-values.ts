import { parse as parseYaml } from 'yaml';
import { noteVerifier } from './audit/note-key.ts';
import { parseVerifierKey } from './audit/signed-note.ts';
import { isPartyName } from './certificate.ts';

/** An address to listen on. Port 0 takes any free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * How one kind of value is read. `read` takes what YAML gives and returns undefined for what it
 * refuses; `expected` completes the sentence "expected ...".
 */
export interface Kind<T> {
  readonly expected: string;
  readonly read: (value: unknown) => T | undefined;
  /** Reads an environment variable; without it, the text is the value. */
  readonly fromText?: (text: string) => unknown;
}

const scalarFromYaml = (text: string): unknown => {
  try {
    return parseYaml(text) as unknown;
  } catch {
    return text;
  }
};

export const partyName: Kind<string> = {
  expected: 'the organisation: 1 to 63 letters, digits and inner hyphens',
  read: (value) => (typeof value === 'string' && isPartyName(value) ? value : undefined),
};

export function wholeNumber(min: number, max: number, unit = ''): Kind<number> {
  return {
    expected: `a whole number${unit && ` of ${unit}`} from ${min} to ${max}`,
    read: (value) =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max
        ? (value as number)
        : undefined,
    fromText: scalarFromYaml,
  };
}

export function oneOf<const T extends string>(...names: readonly T[]): Kind<T> {
  return {
    expected: `one of ${names.join(', ')}`,
    read: (value) => names.find((name) => name === (value === false ? 'off' : value)), // YAML 1.1's off
  };
}

export const flag: Kind<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  fromText: scalarFromYaml,
};

export const hostPort: Kind<HostPort> = {
  expected: 'host:port, for example 127.0.0.1:7400 or [::1]:7400',
  read(value) {
    const found =
      typeof value === 'string' && /^(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})$/.exec(value);
    if (!found) return undefined;
    const port = Number(found[2]);
    return port <= 65_535 ? { host: found[1]!.replace(/^\[|\]$/g, ''), port } : undefined;
  },
};

/** As `hostPort` but kept as text, to dial: a port of 1 or more. */
export const address: Kind<string> = {
  expected: 'host:port of the peer, for example node.bank.example:7400',
  read: (value) => ((hostPort.read(value)?.port ?? 0) > 0 ? (value as string) : undefined),
};

/** An amount of memory as the database reads it. */
export const memorySize: Kind<string> = {
  expected: 'a size of at least 64MB, for example 512MB or 2GB',
  read(value) {
    const found = typeof value === 'string' && /^(\d{1,6}(?:\.\d{1,3})?) ?(MB|GB)$/i.exec(value);
    if (!found) return undefined;
    const megabytes = Number(found[1]) * (found[2]!.toUpperCase() === 'GB' ? 1000 : 1);
    return megabytes >= 64 ? `${found[1]}${found[2]!.toUpperCase()}` : undefined;
  },
};

/** A number of bytes, written as such or with KiB, MiB, GiB. */
export function byteSize(min: number, max: number): Kind<number> {
  return {
    expected: `a size of ${min} to ${max} bytes, for example 1MiB`,
    read(value) {
      const found = /^(\d{1,15}) ?(KiB|MiB|GiB)?$/i.exec(String(value));
      if (!found) return undefined;
      const power = ['kib', 'mib', 'gib'].indexOf(found[2]?.toLowerCase() ?? '') + 1;
      const bytes = Number(found[1]) * 1024 ** power;
      return bytes >= min && bytes <= max ? bytes : undefined;
    },
  };
}

export const path: Kind<string> = {
  expected: 'a path',
  read: (value) =>
    typeof value === 'string' && value.trim() !== '' && !value.includes('\0') ? value : undefined,
};

export const paths: Kind<readonly string[]> = {
  expected: 'a list of at least one path',
  read: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((item) => path.read(item) !== undefined)
      ? (value as string[])
      : undefined,
  fromText: (text) => text.split(',').map((item) => item.trim()),
};

/** SHA-256 of a public key; colons and case of the usual print are dropped. */
export const fingerprint: Kind<string> = {
  expected: '64 hexadecimal digits: the SHA-256 of the peer’s public key',
  read(value) {
    const digits = typeof value === 'string' ? value.replaceAll(':', '').toLowerCase() : '';
    return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
  },
};

/** Another node, as the configuration names it. */
export interface PeerConfig {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** PEM file. */
  readonly certificate: string;
  /** If given, the certificate must have this key. */
  readonly fingerprint: string | null;
}

export interface WitnessConfig {
  readonly name: string;
  /** C2SP verifier key: `NAME+ID+BASE64`. */
  readonly key: string;
}

export const witnesses: Kind<readonly WitnessConfig[]> = {
  expected: 'a list of witnesses, each with name and key (a C2SP verifier key)',
  read: (value) =>
    Array.isArray(value) && value.every(isWitness) ? (value as WitnessConfig[]) : undefined,
  fromText: scalarFromYaml,
};

function isWitness(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false;
  const { name, key, ...others } = item as Readonly<Record<string, unknown>>;
  if (partyName.read(name) === undefined || typeof key !== 'string') return false;
  if (Object.keys(others).length > 0) return false;
  try {
    noteVerifier(parseVerifierKey(key));
    return true;
  } catch {
    return false;
  }
}
