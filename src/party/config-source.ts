/** Where a configuration comes from: a YAML text and an environment, asked key by key. */
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import {
  address,
  fingerprint,
  type Kind,
  type PeerConfig,
  partyName,
  path,
} from './config-values.ts';

/** The environment as the composition root passes it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file; not a key of it. */
export const CONFIG_FILE_VARIABLE = 'ENTENTE_CONFIG';

/** Which node the command line talks to, and as whom; no keys of the file either. */
export const URL_VARIABLE = 'ENTENTE_URL';
export const TOKEN_VARIABLE = 'ENTENTE_TOKEN';

const OTHER_VARIABLES = [CONFIG_FILE_VARIABLE, URL_VARIABLE, TOKEN_VARIABLE];

/** A YAML text and an environment; collects what is wrong with both. */
export class ConfigSource {
  readonly problems: string[] = [];
  readonly #env: Environment;
  readonly #name: string;
  readonly #lines = new LineCounter();
  readonly #root: YAMLMap | null;
  readonly #known = new Set<string>();

  constructor(text: string, env: Environment, name: string) {
    this.#env = env;
    this.#name = name;
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      schema: 'core',
      prettyErrors: false,
    });
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      this.problems.push(`${this.#at(pos[0])}: ${message}`);
    }
    this.#root = isMap(document.contents) ? document.contents : null;
    if (document.contents !== null && !this.#root) {
      this.problems.push(`${name}: expected keys and values`);
    }
  }

  /**
   * The value of a key. After a problem, something of the right type: the caller must look at
   * `problems`.
   */
  take<T>(key: string, kind: Kind<T>, fallback?: unknown): T {
    this.#known.add(key);
    const variable = variableOf(key);
    const text = this.#env[variable];
    const inFile = this.#root?.getIn(key.split('.'), false);
    const value = text ? (kind.fromText?.(text) ?? text) : (plain(inFile) ?? fallback);
    const read = value === undefined ? undefined : kind.read(value);
    if (read !== undefined) return read;
    const where = text ? variable : this.#where(key);
    const what = value === undefined ? 'is missing: ' : '';
    this.problems.push(`${where}: ${key} ${what}expected ${kind.expected}`);
    return (fallback === undefined ? '' : kind.read(fallback)) as T;
  }

  takePeers(): PeerConfig[] {
    const peers = this.take('peers', peerList, []);
    return peers.flatMap((peer, i) => {
      const where = this.#env[variableOf('peers')] ? variableOf('peers') : this.#where('peers');
      const problems: string[] = [];
      const field = <T>(name: string, kind: Kind<T>): T => {
        const read = kind.read(peer[name]);
        if (read === undefined)
          problems.push(`${where}: peers[${i}].${name} expected ${kind.expected}`);
        return read as T;
      };
      const result = {
        name: field('name', partyName),
        address: field('address', address),
        certificate: field('certificate', path),
        fingerprint: peer.fingerprint === undefined ? null : field('fingerprint', fingerprint),
      };
      for (const name of Object.keys(peer)) {
        if (!(name in result)) problems.push(`${where}: peers[${i}].${name} is not a known key`);
      }
      this.problems.push(...problems);
      return problems.length > 0 ? [] : [result];
    });
  }

  /**
   * Reports keys of the file and variables of the environment that mean nothing: mostly typing
   * errors.
   */
  refuseUnknown(): void {
    const walk = (map: YAMLMap, prefix: string): void => {
      for (const { key, value } of map.items) {
        const name = `${prefix}${isScalar(key) ? String(key.value) : '?'}`;
        if (this.#known.has(name)) continue;
        const isSection = [...this.#known].some((known) => known.startsWith(`${name}.`));
        if (isSection && isMap(value)) walk(value, `${name}.`);
        else if (isSection && plain(value) === undefined)
          continue; // a section left empty
        else this.problems.push(`${this.#where(name)}: ${name} is not a known key`);
      }
    };
    if (this.#root) walk(this.#root, '');
    const variables = new Set([...[...this.#known].map(variableOf), ...OTHER_VARIABLES]);
    for (const variable of Object.keys(this.#env).sort()) {
      if (variable.startsWith('ENTENTE_') && !variables.has(variable)) {
        this.problems.push(`${variable}: no key has this variable`);
      }
    }
  }

  #where(key: string): string {
    const node = this.#root?.getIn(key.split('.'), true) as { range?: [number] } | null | undefined;
    return node?.range ? this.#at(node.range[0]) : this.#name;
  }

  #at(offset: number): string {
    return `${this.#name}:${this.#lines.linePos(offset).line}`;
  }
}

/** The environment variable of a key. */
export function variableOf(key: string): string {
  return `ENTENTE_${key.replaceAll('.', '_').replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

const peerList: Kind<readonly Record<string, unknown>[]> = {
  expected: 'a list of peers, each with name, address and certificate',
  read: (value) =>
    Array.isArray(value) &&
    value.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
      ? (value as Record<string, unknown>[])
      : undefined,
  fromText: (text) => {
    const { contents, errors } = parseDocument(text, { schema: 'core' });
    return errors.length > 0 ? text : plain(contents);
  },
};

/** A YAML node as plain data; undefined for nothing. */
function plain(value: unknown): unknown {
  const data: unknown =
    value !== null && typeof value === 'object' && 'toJSON' in value
      ? (value as { toJSON(): unknown }).toJSON()
      : value;
  return data === null ? undefined : data;
}
