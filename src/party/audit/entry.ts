/**
 * Entries of the audit log: who, what, digests and counts; never inputs, identifiers, values or keys.
 *
 * An entry is canonical JSON, and its bytes are what the log hashes. Its salt keeps whoever sees the
 * hash of a neighbour in a proof from guessing what it says.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { canonicalBytes, parseCanonical } from '../consensus/canonical-json.ts';
import { Hex32, isTimestamp, Timestamp } from '../consensus/schema.ts';
import {
  CertificateBody,
  CheckpointExchangeBody,
  ContractBody,
  PolicyBody,
  RefusalBody,
  VoteBody,
} from './agreement-entries.ts';
import { AuditError } from './errors.ts';
import { Attempt, Count, exactly, nullOr } from './fields.ts';
import {
  AdministrationBody,
  CancellationBody,
  DeliveryBody,
  ErrorBody,
  ExportBody,
  ResultBody,
} from './outcome-entries.ts';
import {
  DataAccessBody,
  DisclosureBody,
  PhaseReceiptBody,
  SessionClosedBody,
  SessionOpenedBody,
} from './run-entries.ts';

/** Largest entry: the length prefix of C2SP tlog-tiles entry bundles has 16 bits. */
export const MAX_ENTRY_BYTES = 0xffff;

/** Bytes of an entry's salt. */
export const ENTRY_SALT_BYTES = 16;

/** What an entry of each kind is about: one attempt at a task, a task, or maybe none. */
const KINDS = {
  contract: { body: ContractBody, about: 'task' },
  vote: { body: VoteBody, about: 'task' },
  certificate: { body: CertificateBody, about: 'task' },
  refusal: { body: RefusalBody, about: 'any' },
  policy: { body: PolicyBody, about: 'any' },
  data_access: { body: DataAccessBody, about: 'any' },
  session_opened: { body: SessionOpenedBody, about: 'attempt' },
  session_closed: { body: SessionClosedBody, about: 'attempt' },
  phase_receipt: { body: PhaseReceiptBody, about: 'attempt' },
  disclosure: { body: DisclosureBody, about: 'attempt' },
  checkpoint_exchange: { body: CheckpointExchangeBody, about: 'any' },
  result: { body: ResultBody, about: 'attempt' },
  delivery: { body: DeliveryBody, about: 'any' },
  cancellation: { body: CancellationBody, about: 'task' },
  error: { body: ErrorBody, about: 'any' },
  administration: { body: AdministrationBody, about: 'any' },
  export: { body: ExportBody, about: 'any' },
} as const satisfies Record<string, { body: TSchema; about: 'attempt' | 'task' | 'any' }>;

export type EntryKind = keyof typeof KINDS;

export const ENTRY_KINDS = Object.keys(KINDS) as readonly EntryKind[];

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** What an entry of a kind says. */
export type EntryBody<K extends EntryKind> = Frozen<Static<(typeof KINDS)[K]['body']>>;

interface EntryOf<K extends EntryKind> {
  readonly v: 1;
  readonly kind: K;
  /** ISO 8601 UTC with milliseconds, by the node's clock. */
  readonly time: string;
  /** 16 random bytes, hex. */
  readonly salt: string;
  /** The task's id, which is its contract's digest; null for what belongs to none. */
  readonly task: string | null;
  /** Number of the entry among the task's at this node, from 0; null without a task. */
  readonly seq: number | null;
  /** The attempt at the task that it belongs to, if any. */
  readonly attempt: number | null;
  readonly body: EntryBody<K>;
}

/** One entry; `kind` tells what `body` has. */
export type Entry<K extends EntryKind = EntryKind> = { [Each in K]: EntryOf<Each> }[K];

const CHECKS = Object.fromEntries(
  Object.entries(KINDS).map(([kind, { body }]) => [
    kind,
    Compile(
      Type.Object(
        {
          v: Type.Literal(1),
          kind: Type.Literal(kind),
          time: Timestamp,
          salt: Type.String({ pattern: '^[0-9a-f]{32}$' }),
          task: nullOr(Hex32),
          seq: nullOr(Count),
          attempt: nullOr(Attempt),
          body,
        },
        exactly,
      ),
    ),
  ]),
);

/** The bytes that the log keeps. Throws `malformed_entry` for an entry that `decodeEntry` refuses. */
export function encodeEntry(entry: Entry): Uint8Array {
  const bytes = canonicalBytes(entry);
  checkLength(bytes);
  checkEntry(entry);
  return bytes;
}

/** The entry that `bytes` are. Throws `malformed_entry` unless `encodeEntry` could have made them. */
export function decodeEntry(bytes: Uint8Array): Entry {
  checkLength(bytes);
  let value: unknown;
  try {
    value = parseCanonical(bytes);
  } catch (cause) {
    throw new AuditError('malformed_entry', 'expected canonical JSON (RFC 8785)', { cause });
  }
  return checkEntry(value);
}

function checkLength({ length }: Uint8Array): void {
  if (length <= MAX_ENTRY_BYTES) return;
  throw new AuditError(
    'malformed_entry',
    `expected at most ${MAX_ENTRY_BYTES} bytes, got ${length}`,
  );
}

/** `value`, once it is an entry. Throws `malformed_entry`. */
export function checkEntry(value: unknown): Entry {
  const kind = kindOf(value);
  const check = CHECKS[kind]!;
  if (!check.Check(value)) {
    const [error] = check.Errors(value);
    // Paths name fields of this program, or keys of the stranger's own making: short, and no values.
    throw malformed(`${error?.instancePath.slice(1, 200) || 'entry'} is not as it should be`);
  }
  const entry = value as Entry;
  if (!isTimestamp(entry.time)) throw malformed('time is no date');
  if ((entry.task === null) !== (entry.seq === null)) throw malformed('task and seq go together');
  if (entry.task === null && entry.attempt !== null) throw malformed('attempt at no task');
  const { about } = KINDS[kind];
  if (about !== 'any' && entry.task === null) throw malformed(`${kind} needs a task`);
  if (about === 'attempt' && entry.attempt === null) throw malformed(`${kind} needs an attempt`);
  return entry;
}

function kindOf(value: unknown): EntryKind {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null;
  if (typeof kind === 'string' && Object.hasOwn(KINDS, kind)) return kind as EntryKind;
  throw malformed('kind is none of this version');
}

function malformed(what: string): AuditError {
  return new AuditError('malformed_entry', what);
}
