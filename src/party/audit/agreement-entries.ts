/** Entries about what was agreed: contracts, votes, certificates, refusals, policies, witnesses. */
import Type from 'typebox';
import { MAX_COLUMNS, MAX_PARTIES, MAX_ROWS } from '../consensus/contract-limits.ts';
import { Hex32, PartyName, Timestamp } from '../consensus/schema.ts';
import { VoteSchema } from '../consensus/vote.ts';
import { Code, Count, exactly, nullOr, oneOf, Signature, signed, Word } from './fields.ts';

/** What a party brings: its commitment as the contract has it, and how much it is. */
const DatasetCounts = Type.Object(
  {
    commitment: Hex32,
    rows: Type.Integer({ minimum: 0, maximum: MAX_ROWS }),
    /** Key, label, feature and payload columns together. */
    columns: Type.Integer({ minimum: 0, maximum: 2 * MAX_COLUMNS }),
  },
  exactly,
);

/**
 * A contract came to this node or was proposed by it. The entry's task is the contract's digest; the
 * rest says it without the contract.
 */
export const ContractBody = Type.Object(
  {
    initiator: PartyName,
    kind: oneOf('train', 'predict', 'psi'),
    algorithm: Word,
    /** Digest of the code that the parties agree to run. */
    implementation: Hex32,
    /** SHA-256 of the canonical leakage statement. */
    leakage: Hex32,
    parties: Type.Array(
      Type.Object(
        { name: PartyName, fingerprint: Hex32, role: Word, dataset: nullOr(DatasetCounts) },
        exactly,
      ),
      { minItems: 2, maxItems: MAX_PARTIES },
    ),
    receivers: Type.Array(PartyName, { minItems: 1, maxItems: MAX_PARTIES }),
    createdAt: Timestamp,
    expiresAt: Timestamp,
  },
  exactly,
);

/** A vote that this node signed, or that a peer sent to it, word for word. */
export const VoteBody = signed(VoteSchema);

/** The start certificate, as this node verified it. */
export const CertificateBody = Type.Object(
  {
    /** `certificateDigest`: what session hellos are bound to. */
    certificate: Hex32,
    /** The signatures of the votes that it holds, in the contract's order. */
    votes: Type.Array(Type.Object({ signer: PartyName, signature: Signature }, exactly), {
      minItems: 2,
      maxItems: MAX_PARTIES,
    }),
  },
  exactly,
);

/** Somebody said no, before there was a certificate or after it. */
export const RefusalBody = Type.Object(
  {
    /** Whose no it is. */
    party: PartyName,
    /** Who told this node, itself for its own; of a question about data, who asked. */
    from: PartyName,
    /** What was refused: a question about data, a contract, a certificate, a task that ran. */
    step: oneOf('describe', 'prepare', 'commit', 'run'),
    code: Code,
  },
  exactly,
);

/** The policy that this node goes by from now on. */
export const PolicyBody = Type.Object(
  {
    /** `valueCommitment` of the canonical policy; null when it cannot be read and allows nothing. */
    policy: nullOr(Hex32),
    rules: Count,
  },
  exactly,
);

/** A checkpoint as a signed note, with the cosignatures that it had then. */
const Checkpoint = Type.Object(
  {
    size: Count,
    root: Hex32,
    /** C2SP signed note: no control characters but line ends. */
    note: Type.String({ maxLength: 4096, pattern: '^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f]*$' }),
  },
  exactly,
);

/** What this node and a peer, or another witness, showed each other of their logs. */
export const CheckpointExchangeBody = Type.Object(
  {
    witness: PartyName,
    at: oneOf('consensus', 'end', 'request'),
    /** Why one of the two did not cosign; null when what was shown is cosigned. */
    code: nullOr(Code),
    /** This node's checkpoint, with the witness's cosignature unless there is a code. */
    own: nullOr(Checkpoint),
    /** The witness's own one, with this node's cosignature unless there is a code. */
    theirs: nullOr(Checkpoint),
  },
  exactly,
);
