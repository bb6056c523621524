/** What the lines before the entries say, as far as it holds: keys, agreement, the log's states. */
import { canonicalBytes, canonicalDigest } from '../../consensus/canonical-json.ts';
import { composeCertificate, type StartCertificate } from '../../consensus/certificate.ts';
import type { Contract } from '../../consensus/contract.ts';
import { decodeContract } from '../../consensus/contract-check.ts';
import { ConsensusError } from '../../consensus/errors.ts';
import { type Checkpoint, openCheckpoint } from '../checkpoint.ts';
import { AuditError } from '../errors.ts';
import { type LogKeyCertificate, type LogVerifiers, verifyLogKey } from '../log-key.ts';
import { verifyConsistency } from '../merkle-proof.ts';
import { cosignatureTime } from '../note-key.ts';
import type { NoteVerifier } from '../signed-note.ts';
import type { BundleLine, ConsistencyLine, HeaderLine } from './bundle.ts';
import type { Findings } from './findings.ts';
import { fingerprintOf, type TrustedKeys } from './keys.ts';

/** A state of the log that a trusted witness has confirmed and that the log continues. */
export interface ConfirmedState {
  readonly witness: string;
  readonly size: number;
  /** 32 bytes, hex. */
  readonly root: string;
  /** ISO 8601, by the witness's clock. */
  readonly time: string;
}

export interface Ground {
  readonly header: HeaderLine;
  readonly trusted: TrustedKeys;
  readonly contract: Contract | null;
  readonly certificate: StartCertificate | null;
  /** The log's state that all entries are in; null when nothing vouches for it. */
  readonly final: Checkpoint | null;
  /** The last state of this log that each trusted witness confirmed, as the head of the bundle says. */
  readonly confirmed: readonly ConfirmedState[];
  /** The verifiers of this party's log; null when no trusted key certifies them. */
  readonly own: LogVerifiers | null;
  /** The verifiers of a party's log. */
  logOf(party: string): LogVerifiers | undefined;
  /** What verifies the cosignatures of a party or another witness. */
  witness(name: string): NoteVerifier | undefined;
  /** Roots of states, by size, of which it is shown that the final state continues them; hex. */
  readonly states: ReadonlyMap<number, string>;
  /** Reports unless the log's final state continues this earlier one. */
  checkContinued(state: Checkpoint, where: string): boolean;
}

/** Lines before the entries. */
export type HeadLine = Exclude<BundleLine, { readonly line: 'entry' | 'opening' | 'end' }>;

/** Checks the head of a bundle; the first line is the header. */
export function groundOf(
  lines: readonly [HeaderLine, ...(readonly HeadLine[])],
  trusted: TrustedKeys,
  findings: Findings,
): Ground {
  const [header] = lines;
  if ((header.scope === 'task') !== (header.task !== null)) {
    findings.add('malformed_bundle', 'header', 'scope and task do not go together');
  }
  const logKeys = new Map<string, LogVerifiers>();
  const trustLog = (certificate: LogKeyCertificate): void => {
    const { name } = certificate;
    const identity = trusted.find(name);
    if (!identity) {
      findings.add('untrusted_party', name, 'name its key in the file of trusted keys');
      return;
    }
    try {
      logKeys.set(name, verifyLogKey(name, identity, certificate));
    } catch (error) {
      findings.add('wrong_key', name, messageOf(error));
    }
  };
  if (header.logKey.name !== header.party) {
    findings.add('wrong_key', header.party, 'the log key in the header is another party’s');
  } else trustLog(header.logKey);

  const own = logKeys.get(header.party) ?? null;
  const earlier: ConsistencyLine[] = [];
  const cosigned: { readonly witness: string; readonly note: string }[] = [];
  let contract: Contract | null = null;
  let certificate: StartCertificate | null = null;
  let final: Checkpoint | null = null;
  for (const line of lines) {
    switch (line.line) {
      case 'identity': {
        const known = trusted.find(line.name);
        if (known && known.fingerprint !== fingerprintOf(line.publicKey)) {
          findings.add('wrong_key', line.name, 'the bundle names another key than the trusted one');
        }
        break;
      }
      case 'log_key':
        // Of parties that the reader does not know nothing counts anyway.
        if (trusted.find(line.certificate.name)) trustLog(line.certificate);
        break;
      case 'contract':
        contract = contractOf(line.contract, header.task, findings);
        break;
      case 'certificate':
        if (contract) certificate = composeCertificate(contract, line.votes);
        else findings.add('contract_missing', 'contract', 'there are votes on it');
        break;
      case 'checkpoint':
        final = own && openSigned(line.note, own, 'the final checkpoint', findings);
        break;
      case 'cosigned':
        cosigned.push(line);
        break;
      case 'consistency':
        earlier.push(line);
        break;
      case 'header':
    }
  }
  if (!lines.some(({ line }) => line === 'checkpoint')) {
    findings.add('malformed_bundle', 'checkpoint', 'there is none');
  }

  const states = provenStates(earlier, final);
  const ground: Omit<Ground, 'confirmed'> = {
    header,
    trusted,
    contract,
    certificate,
    final,
    own,
    states,
    logOf: (party) => logKeys.get(party),
    witness: (name) => logKeys.get(name)?.cosignatures ?? trusted.witnesses.get(name),
    checkContinued({ size, root }, where) {
      if (!final) return false;
      if (size > final.size) {
        const detail = `the log has ${final.size} entries; ${size} were confirmed`;
        findings.add('log_truncated', where, detail);
        return false;
      }
      if (header.scope === 'all') return true; // its tree is made anew from its entries
      if (states.get(size) === hexOf(root)) return true;
      const detail = `the log of ${final.size} entries does not prove that it begins with these ${size}`;
      findings.add('log_forked', where, detail);
      return false;
    },
  };
  return { ...ground, confirmed: confirmedStates(ground, cosigned, findings) };
}

/** The states that the final one continues. Others prove nothing, and count for nothing. */
function provenStates(
  earlier: readonly ConsistencyLine[],
  final: Checkpoint | null,
): ReadonlyMap<number, string> {
  const states = new Map<number, string>();
  if (!final) return states;
  states.set(final.size, hexOf(final.root));
  for (const { size, root, proof } of earlier) {
    const bytes = new Uint8Array(Buffer.from(root, 'hex'));
    if (verifyConsistency(size, final.size, bytes, final.root, proof)) states.set(size, root);
  }
  return states;
}

function contractOf(value: object, task: string | null, findings: Findings): Contract | null {
  const digest = canonicalDigest(value);
  if (digest !== task) {
    findings.add('contract_altered', 'contract', `its digest is ${digest}, not the task’s id`);
  }
  try {
    return decodeContract(canonicalBytes(value));
  } catch (error) {
    if (!(error instanceof ConsensusError)) throw error;
    findings.add('malformed_bundle', 'contract', error.message);
    return null;
  }
}

/** A checkpoint that the log of `own` signed. Reports it and gives null otherwise. */
export function openSigned(
  note: string,
  own: LogVerifiers,
  where: string,
  findings: Findings,
): Checkpoint | null {
  try {
    return openCheckpoint(note, own.origin, [own.checkpoints]);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    const reason = error.code === 'unknown_key' ? 'wrong_key' : 'checkpoint_forged';
    findings.add(reason, where, error.message);
    return null;
  }
}

/**
 * When the witness cosigned a note that the log signed: ISO 8601. Reports it and gives null when it
 * did not.
 */
export function cosignedAt(
  note: string,
  log: LogVerifiers,
  witness: NoteVerifier,
  where: string,
  findings: Findings,
): string | null {
  try {
    const { verified } = openCheckpoint(note, log.origin, [log.checkpoints, witness]);
    const line = verified.find(
      ({ name, keyId }) => name === witness.name && keyId === witness.keyId,
    );
    const seconds = line && cosignatureTime(line.bytes);
    const time = seconds === undefined ? null : isoOf(seconds);
    if (time !== null) return time;
    findings.add('cosignature_forged', where, `it has no cosignature of ${witness.name}`);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    findings.add('cosignature_forged', where, error.message);
  }
  return null;
}

/** ISO 8601 of Unix seconds; null beyond what a date can be. */
function isoOf(seconds: number): string | null {
  const date = new Date(seconds * 1000);
  return Number.isFinite(date.getTime()) ? date.toISOString() : null;
}

function confirmedStates(
  ground: Omit<Ground, 'confirmed'>,
  cosigned: readonly { readonly witness: string; readonly note: string }[],
  findings: Findings,
): readonly ConfirmedState[] {
  const { own } = ground;
  if (!own) return [];
  return cosigned.flatMap(({ witness, note }) => {
    const where = `the state that ${witness} confirmed`;
    if (witness === ground.header.party) {
      findings.add('self_confirmed', where, `${witness} is the log’s own party`);
      return [];
    }
    const verifier = ground.witness(witness);
    const state = openSigned(note, own, where, findings);
    if (!state || !verifier) return [];
    const time = cosignedAt(note, own, verifier, where, findings);
    if (time === null || !ground.checkContinued(state, where)) return [];
    return { witness, size: state.size, root: hexOf(state.root), time };
  });
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function messageOf(error: unknown): string {
  if (error instanceof AuditError) return error.message;
  throw error;
}
