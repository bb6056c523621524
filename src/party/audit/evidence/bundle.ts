/**
 * Evidence bundles: what one node can show of a task, or of its whole log, in one file. JSON Lines,
 * each line canonical JSON (RFC 8785) of an object that says in `line` what it is, in this order:
 *
 *   header       format, whose log, which task, the log's key and the identity's word for it
 *   identity     public key of a party; for people: trust comes from elsewhere
 *   log_key      a witness's log key and its identity's word for it
 *   contract     the agreed contract                                        of a task
 *   certificate  every party's vote                                         of a task
 *   checkpoint   the log's signed note; all entries are in its tree
 *   cosigned     the last checkpoint of this log that a witness cosigned
 *   consistency  size and root of an earlier checkpoint, proof that its tree begins the checkpoint's
 *   entry        an entry of the log, with its proof of inclusion           proof: of a task
 *   opening      what opens a commitment; only on request
 *   end          number of entries, SHA-256 of all lines before it
 *
 * Proofs are hashes one after the other in base64, from the leaf up.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { canonicalJson } from '../../consensus/canonical-json.ts';
import type { Contract } from '../../consensus/contract.ts';
import { MAX_CONTRACT_BYTES, MAX_PARTIES } from '../../consensus/contract-limits.ts';
import { VoteSchema } from '../../consensus/vote.ts';
import { checkEntry, type Entry, MAX_ENTRY_BYTES } from '../entry.ts';
import { AuditError } from '../errors.ts';
import {
  Attempt,
  Count,
  exactly,
  Hex32,
  LogKeyCertificateSchema,
  nullOr,
  oneOf,
  PartyName,
  signed,
} from '../fields.ts';
import { HASH_BYTES } from '../merkle.ts';
import { MAX_PROOF_HASHES } from '../merkle-proof.ts';

export const BUNDLE_FORMAT = 'entente/evidence/v1';

/** Longest line: a contract, or an entry with its proof. */
export const MAX_LINE_BYTES: number = MAX_CONTRACT_BYTES + 4096;

/** Longest note of a checkpoint, as entries have them. */
const Note = Type.String({ maxLength: 16_384 });

const Proof = Type.String({
  pattern: '^[A-Za-z0-9+/]*={0,2}$',
  maxLength: Math.ceil((MAX_PROOF_HASHES * HASH_BYTES) / 3) * 4,
});

const Opening = Type.Union([
  /** Of a commitment in this party's own receipt: `resultCommitment` of salt and digest. */
  Type.Object(
    {
      line: Type.Literal('opening'),
      of: Type.Literal('result'),
      attempt: Attempt,
      field: oneOf('model', 'metrics'),
      salt: Hex32,
      digest: Hex32,
    },
    exactly,
  ),
  /** Of a disclosure's or a delivery's commitment to the value: `valueCommitment` of salt and value. */
  Type.Object(
    { line: Type.Literal('opening'), of: Type.Literal('value'), index: Count, salt: Hex32 },
    exactly,
  ),
  /** Of the commitment to this party's file in the contract: `datasetCommitment` of digest and salt. */
  Type.Object(
    { line: Type.Literal('opening'), of: Type.Literal('dataset'), salt: Hex32, digest: Hex32 },
    exactly,
  ),
  /** Of the policy rule by which this party voted: `ruleDigest` of rule and salt. */
  Type.Object(
    { line: Type.Literal('opening'), of: Type.Literal('rule'), rule: Type.Unknown(), salt: Hex32 },
    exactly,
  ),
]);

const SCHEMAS = {
  header: Type.Object(
    {
      line: Type.Literal('header'),
      format: Type.Literal(BUNDLE_FORMAT),
      party: PartyName,
      scope: oneOf('task', 'all'),
      task: nullOr(Hex32),
      logKey: LogKeyCertificateSchema,
    },
    exactly,
  ),
  identity: Type.Object(
    { line: Type.Literal('identity'), name: PartyName, publicKey: Hex32 },
    exactly,
  ),
  log_key: Type.Object(
    { line: Type.Literal('log_key'), certificate: LogKeyCertificateSchema },
    exactly,
  ),
  contract: Type.Object(
    { line: Type.Literal('contract'), contract: Type.Object({}, { additionalProperties: true }) },
    exactly,
  ),
  certificate: Type.Object(
    {
      line: Type.Literal('certificate'),
      votes: Type.Array(signed(VoteSchema), { maxItems: MAX_PARTIES }),
    },
    exactly,
  ),
  checkpoint: Type.Object({ line: Type.Literal('checkpoint'), note: Note }, exactly),
  cosigned: Type.Object(
    { line: Type.Literal('cosigned'), witness: PartyName, note: Note },
    exactly,
  ),
  consistency: Type.Object(
    { line: Type.Literal('consistency'), size: Count, root: Hex32, proof: Proof },
    exactly,
  ),
  entry: Type.Object(
    {
      line: Type.Literal('entry'),
      index: Count,
      entry: Type.Unknown(),
      proof: Type.Optional(Proof),
    },
    exactly,
  ),
  opening: Opening,
  end: Type.Object({ line: Type.Literal('end'), entries: Count, digest: Hex32 }, exactly),
} as const satisfies Record<string, TSchema>;

type LineKind = keyof typeof SCHEMAS;
const ORDER = Object.keys(SCHEMAS) as readonly LineKind[];

/** Lines of which there is at most one. */
const SINGLE: readonly LineKind[] = ['header', 'contract', 'certificate', 'checkpoint', 'end'];

type Plain<K extends LineKind> = Static<(typeof SCHEMAS)[K]>;
export type HeaderLine = Plain<'header'>;
export type OpeningLine = Plain<'opening'>;

/** An earlier state of the log. */
export interface ConsistencyLine {
  readonly line: 'consistency';
  readonly size: number;
  /** 32 bytes, hex. */
  readonly root: string;
  readonly proof: readonly Uint8Array[];
}

/** An entry as it stands in the log. */
export interface EntryLine {
  readonly line: 'entry';
  readonly index: number;
  readonly entry: Entry;
  /** What the log hashes. */
  readonly bytes: Uint8Array;
  /** From the leaf up; null in a bundle of all entries. */
  readonly proof: readonly Uint8Array[] | null;
}

/** One line, read. A contract's fields are not checked yet: `decodeContract`. */
export type BundleLine =
  | Plain<'header' | 'identity' | 'log_key' | 'contract' | 'certificate' | 'checkpoint'>
  | Plain<'cosigned' | 'opening' | 'end'>
  | ConsistencyLine
  | EntryLine;

/** One line, to be written. Entries are written by `entryLine`. */
export type NewLine =
  | Plain<'header' | 'identity' | 'log_key' | 'certificate' | 'checkpoint' | 'cosigned'>
  | Plain<'opening' | 'end' | 'consistency'>
  | { readonly line: 'contract'; readonly contract: Contract };

/** A line with its newline. */
export function formatLine(line: NewLine): string {
  return `${canonicalJson(line)}\n`;
}

/** An entry's line with its newline; without a proof in a bundle of all entries. */
export function entryLine(
  index: number,
  bytes: Uint8Array,
  proof: readonly Uint8Array[] | null,
): string {
  const text = Buffer.from(bytes).toString('utf8');
  return `${ENTRY_START}${text}${entryEnd(index, proof && encodeProof(proof))}\n`;
}

// Canonical JSON orders keys, so that an entry's own bytes stand between these.
const ENTRY_START = '{"entry":';
const entryEnd = (index: number, proof: string | null): string =>
  `,"index":${index},"line":"entry"${proof === null ? '' : `,"proof":"${proof}"`}}`;

export function encodeProof(hashes: readonly Uint8Array[]): string {
  return Buffer.concat(hashes).toString('base64');
}

/** The hashes of a proof. Throws `malformed_bundle` unless `encodeProof` makes the text of them. */
export function decodeProof(text: string): readonly Uint8Array[] {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % HASH_BYTES !== 0 || bytes.toString('base64') !== text) {
    throw malformed(`a proof is hashes of ${HASH_BYTES} bytes in base64`);
  }
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
    Uint8Array.from(bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  );
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const CHECKS = Object.fromEntries(
  ORDER.map((kind) => [kind, Compile(SCHEMAS[kind] as TSchema)]),
) as unknown as Readonly<Record<LineKind, Validator>>;

/** The line that bytes without a newline are. Throws `malformed_bundle` or `malformed_entry`. */
export function parseLine(bytes: Uint8Array): BundleLine {
  let value: unknown;
  try {
    const text = DECODER.decode(bytes);
    value = JSON.parse(text);
    if (canonicalJson(value) !== text) throw new TypeError('not canonical');
  } catch (cause) {
    throw malformed('a line is canonical JSON (RFC 8785) in UTF-8', { cause });
  }
  const kind = kindOf(value);
  if (!CHECKS[kind].Check(value)) {
    const [error] = CHECKS[kind].Errors(value);
    const field = error?.instancePath.slice(1, 200) || kind;
    throw malformed(`${field} of a line ${kind} is not as it should be`);
  }
  if (kind === 'entry') return readEntry(value as Plain<'entry'>, bytes);
  if (kind === 'consistency') {
    const line = value as Plain<'consistency'>;
    return { ...line, proof: decodeProof(line.proof) };
  }
  return value as BundleLine;
}

function readEntry({ index, entry, proof }: Plain<'entry'>, line: Uint8Array): EntryLine {
  const after = entryEnd(index, proof ?? null).length;
  const bytes = line.subarray(ENTRY_START.length, line.length - after);
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw malformed(`an entry has at most ${MAX_ENTRY_BYTES} bytes, not ${bytes.length}`);
  }
  const hashes = proof === undefined ? null : decodeProof(proof);
  return { line: 'entry', index, entry: checkEntry(entry), bytes, proof: hashes };
}

function kindOf(value: unknown): LineKind {
  const kind = typeof value === 'object' && value !== null && 'line' in value ? value.line : null;
  if (typeof kind === 'string' && Object.hasOwn(SCHEMAS, kind)) return kind as LineKind;
  throw malformed('a line says what it is: header, entry, end and so on');
}

/** Tells whether lines come in their order. Throws `malformed_bundle` for one that does not. */
export function lineOrder(): (line: BundleLine) => void {
  let last = -1;
  return ({ line }) => {
    const rank = ORDER.indexOf(line);
    if (last < 0 && line !== 'header') throw malformed('the first line is the header');
    if (rank < last || (rank === last && SINGLE.includes(line))) {
      throw malformed(`a line ${line} does not come after a line ${ORDER[last]}`);
    }
    last = rank;
  };
}

function malformed(expected: string, options?: ErrorOptions): AuditError {
  return new AuditError('malformed_bundle', expected, options);
}
