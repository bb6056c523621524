import { deepEqual, equal, throws } from 'node:assert/strict';
import {
  decodeEntry,
  ENTRY_KINDS,
  type Entry,
  encodeEntry,
  MAX_ENTRY_BYTES,
} from '../../../src/party/audit/entry.ts';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { sampleEntry } from '../../support/audit-entries.ts';

const MALFORMED = { name: 'AuditError', code: 'malformed_entry' };

function refused(value: unknown, message: string): void {
  throws(() => decodeEntry(canonicalBytes(value)), MALFORMED, message);
}

/** Every path to a field of an object, arrays' elements included. */
function paths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([key, each]) => paths(each, [...path, key]));
  return path.length === 0 ? below : [path, ...below];
}

function changed(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  if (rest.length > 0) copy[key!] = changed(copy[key!], rest, to);
  else if (to === undefined) delete copy[key!];
  else copy[key!] = to;
  return copy;
}

describe('entry', () => {
  it('comes back as it was written, of every kind', () => {
    for (const kind of ENTRY_KINDS) {
      const entry = sampleEntry(kind) as Entry;
      deepEqual(decodeEntry(encodeEntry(entry)), entry, kind);
    }
    equal(ENTRY_KINDS.length, 17);
  });

  it('refuses a field that is missing, of another type or unknown, anywhere', () => {
    for (const kind of ENTRY_KINDS) {
      const entry = sampleEntry(kind);
      for (const path of paths(entry)) {
        const where = `${kind} ${path.join('.')}`;
        const isElement = /^\d+$/.test(path.at(-1)!);
        if (!isElement) {
          refused(changed(entry, path, undefined), `without ${where}`);
          refused(changed(entry, [...path.slice(0, -1), 'odd'], 1), `unknown beside ${where}`);
        }
        refused(changed(entry, path, { odd: true }), `another ${where}`);
        refused(changed(entry, path, '\u0001'), `control character in ${where}`);
      }
    }
  });

  it('refuses bytes that are no canonical JSON, another version and what is too long', () => {
    const entry = sampleEntry('refusal');
    const text = new TextDecoder().decode(encodeEntry(entry));
    for (const odd of ['', '{', 'null', '[]', `${text} `, text.replace('{', '{ ')]) {
      throws(() => decodeEntry(new TextEncoder().encode(odd)), MALFORMED, odd);
    }
    refused({ ...entry, v: 2 }, 'version');
    refused({ ...entry, kind: 'toString' }, 'inherited kind');
    throws(() => decodeEntry(new Uint8Array(MAX_ENTRY_BYTES + 1)), MALFORMED);
  });

  it('refuses what does not go together', () => {
    const entry = sampleEntry('error');
    decodeEntry(canonicalBytes({ ...entry, task: null, seq: null, attempt: null }));
    decodeEntry(canonicalBytes({ ...entry, attempt: null }));
    refused({ ...entry, seq: null }, 'task without seq');
    refused({ ...entry, task: null }, 'seq without task');
    refused({ ...entry, task: null, seq: null }, 'attempt without task');
    refused({ ...entry, time: '2026-02-30T10:00:00.000Z' }, 'no such day');
    refused({ ...sampleEntry('vote'), task: null, seq: null, attempt: null }, 'vote on nothing');
    refused({ ...sampleEntry('disclosure'), attempt: null }, 'disclosure in no attempt');
    throws(() => encodeEntry({ ...entry, seq: null }), MALFORMED);
  });
});
