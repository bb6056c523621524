/**
 * Checkpoints: what a log is at one size. C2SP, "Transparency Log Checkpoints".
 * https://c2sp.org/tlog-checkpoint
 *
 * The signed text is three lines, origin, size and root; whoever has two of one log that no
 * consistency proof joins has proof that the log was rewritten.
 */
import { AuditError } from './errors.ts';
import { HASH_BYTES } from './merkle.ts';
import { decodeBase64, type NoteVerifier, type OpenedNote, openNote } from './signed-note.ts';

export interface Checkpoint {
  /** Names the log. */
  readonly origin: string;
  /** Leaves of the tree. */
  readonly size: number;
  /** `HASH_BYTES` bytes. */
  readonly root: Uint8Array;
}

/** The text to sign. Throws `malformed_note` when `parseCheckpoint` would refuse it. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
  parseCheckpoint(text);
  return text;
}

/**
 * What a note's text says. Extension lines are checked for their form and dropped: nobody can audit
 * them. Throws `malformed_note`; sizes above 2^53 - 1 are refused.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, ...extensions] = text.split('\n');
  if (extensions.pop() !== '' || extensions.includes('') || !origin) {
    throw malformed('three lines or more, none of them empty');
  }
  if (!/^(0|[1-9]\d{0,15})$/.test(size!) || !Number.isSafeInteger(Number(size))) {
    throw malformed('a tree size of decimal digits');
  }
  const hash = decodeBase64(root!);
  if (hash.length !== HASH_BYTES) throw malformed(`a root hash of ${HASH_BYTES} bytes`);
  return { origin, size: Number(size), root: hash };
}

/** A checkpoint that known keys signed. */
export interface OpenedCheckpoint extends OpenedNote, Checkpoint {}

/**
 * The checkpoint in a note. Its log must be `origin` and have signed it: the first of `known` is the
 * log's own key, others are its witnesses'. Throws as `openNote`, and `unknown_key` for another log's.
 */
export function openCheckpoint(
  note: string | Uint8Array,
  origin: string,
  known: readonly [log: NoteVerifier, ...witnesses: readonly NoteVerifier[]],
): OpenedCheckpoint {
  const opened = openNote(note, known);
  const [log] = known;
  if (!opened.verified.some(({ name, keyId }) => name === log.name && keyId === log.keyId)) {
    throw new AuditError('unknown_key', `${log.name} did not sign the checkpoint`);
  }
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint.origin !== origin) {
    throw new AuditError('unknown_key', `the checkpoint is of another log than ${origin}`);
  }
  return { ...opened, ...checkpoint };
}

function malformed(expected: string): AuditError {
  return new AuditError('malformed_note', `a checkpoint has ${expected}`);
}
