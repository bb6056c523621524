import type { Rng } from '../../protocols/primitives/rng.ts';
import type { Decision } from '../policy.ts';
import type { PolicySource } from '../policy-file.ts';
import type { AttemptStore } from '../transport/attempts.ts';
import type { ControlClient } from '../transport/control.ts';
import type { ConsensusAudit } from './consensus-trail.ts';
import type { Contract, ContractParty } from './contract.ts';
import type { Declare } from './contract-check.ts';
import { ConsensusError } from './errors.ts';
import type { CertificateRecord, ConsensusRecords, TaskEnd } from './records.ts';
import type { KeyRing, Signer } from './signature.ts';
import type { DatasetDirectory } from './task-draft.ts';

/** What consensus needs of the node it runs in. */
export interface ConsensusNode {
  readonly signer: Signer;
  readonly keys: KeyRing;
  readonly peers: ControlClient;
  readonly policy: PolicySource;
  readonly datasets: DatasetDirectory;
  readonly declare: Declare;
  readonly records: ConsensusRecords;
  /** The attempts that this node made at its tasks. */
  readonly attempts: Pick<AttemptStore, 'next'>;
  readonly events: ConsensusEvents;
  readonly audit: ConsensusAudit;
  /** Unix ms. */
  readonly now: () => number;
  readonly rng: Rng;
  /** How long to wait for a person's word; the defaults are in `approval.ts`. */
  readonly patience?: Patience;
}

/** Times of the calls that wait for a person. */
export interface Patience {
  /** A call is answered after so long, with or without the vote. */
  readonly answerMs: number;
  /** From an answer without it, or a failure, to the next call. */
  readonly retryMs: number;
}

/** What the rest of the node is told, for its tasks and its log. Must not throw. */
export interface ConsensusEvents {
  /** This node verified and stored a start certificate that another party initiated. */
  readonly committed: (taskId: string, certificate: CertificateRecord) => void;
  /** This node's policy wants a person's word before it votes; `approveTask` and `denyTask` give it. */
  readonly asked: (taskId: string, contract: Contract) => void;
  /** A person said yes, and this node has voted. A no is an end. */
  readonly approved: (taskId: string) => void;
  /** A task that this node had received will not run, or must stop. */
  readonly ended: (taskId: string, end: TaskEnd) => void;
  /** The policy said no to `peer`; the decision is null when the policy could not be read. */
  readonly denied: (peer: string, decision: Decision | null, cause?: unknown) => void;
  /** This node failed at what it should have been able to do. */
  readonly failed: (error: unknown) => void;
}

/** This node's own place in a contract. Throws unless name and key are its own. */
export function ownPlace(node: ConsensusNode, contract: Contract): ContractParty {
  const me = contract.parties.find(({ name }) => name === node.signer.name);
  if (!me)
    throw new ConsensusError('not_participant', `${node.signer.name} is not in the contract`);
  if (me.fingerprint !== node.signer.fingerprint) {
    throw new ConsensusError('identity_mismatch', `${me.name} has another key`);
  }
  return me;
}

/** The names of all parties of a contract but this node. */
export function otherParties(node: ConsensusNode, contract: Contract): readonly string[] {
  return contract.parties.map(({ name }) => name).filter((name) => name !== node.signer.name);
}
