/**
 * What a party answers to the initiator of a task: the second side of `initiator.ts`. Every message
 * is checked entirely before anything is stored or answered.
 */
import { canonicalBytes } from './canonical-json.ts';
import { composeCertificate, verifyCertificate } from './certificate.ts';
import { type ConsensusNode, otherParties } from './consensus-node.ts';
import { recordCertificate, recordContract, recordVote } from './consensus-trail.ts';
import { checkParties, checkStillAllowed, consent } from './consent.ts';
import type { Contract } from './contract.ts';
import { checkValidity, decodeContract, taskIdOf } from './contract-check.ts';
import { ConsensusError, refusalOf } from './errors.ts';
import { type CertificateRecord, type ContractRecord, isIn } from './records.ts';
import type { Signed } from './signed.ts';
import { endTask } from './task-end.ts';
import { checkVote, checkVoteAge, type Vote } from './vote.ts';

/**
 * Votes on a contract that `peer` proposes. Checks, in this order: form, signature and identities,
 * expiry, replay, and then what `consent` checks. The vote is stored before it is returned; null while
 * a person is asked.
 */
export async function answerPrepare(
  node: ConsensusNode,
  peer: string,
  contractBytes: Uint8Array,
  vote: Signed<Vote>,
): Promise<Signed<Vote> | null> {
  const contract = decodeContract(contractBytes);
  const taskId = taskIdOf(contract);
  checkProposal(node, peer, contract, taskId, vote);
  checkValidity(contract, node.now());
  checkVoteAge(vote, node.now());
  return node.records.exclusive(taskId, async () => {
    const record = await node.records.receive(taskId, contract, vote);
    await recordContract(node.audit, taskId, contract);
    await recordVote(node.audit, vote);
    try {
      return await consent(node, record);
    } catch (error) {
      await endTask(node, record, 'refused', refusalOf(error));
      throw error;
    }
  });
}

function checkProposal(
  node: ConsensusNode,
  peer: string,
  contract: Contract,
  taskId: string,
  vote: Signed<Vote>,
): void {
  if (contract.initiator !== peer) {
    throw new ConsensusError('not_initiator', 'only the initiator proposes its contract');
  }
  if (vote.body.signer !== peer) {
    throw new ConsensusError('wrong_signer', `${peer} sent the vote of ${vote.body.signer}`);
  }
  checkParties(node, contract);
  checkVote(vote, contract, taskId, node.keys);
}

/**
 * Verifies the start certificate of a task that this node voted for, stores it, and returns it with
 * its digest. The same certificate may come again; another one may not.
 */
export async function answerCommit(
  node: ConsensusNode,
  peer: string,
  taskId: string,
  contractBytes: Uint8Array,
  votes: readonly Signed<Vote>[],
): Promise<CertificateRecord> {
  return node.records.exclusive(taskId, async () => {
    const record = await node.records.find(taskId);
    if (!record) throw new ConsensusError('unknown_task', 'no such contract was proposed');
    if (record.initiator !== peer) {
      throw new ConsensusError('not_initiator', 'only the initiator commits its contract');
    }
    if (isIn('committed', record)) return sameCertificate(node, record, votes);
    if (!isIn('voted', record)) {
      const code = record.state === 'aborted' ? 'aborted' : 'wrong_state';
      throw new ConsensusError(code, `the task is ${record.state}`);
    }
    const certificate = composeCertificate(record.contract, votes);
    try {
      await checkCommit(node, record, contractBytes, votes);
      await Promise.all(
        otherParties(node, record.contract).map((party) =>
          node.audit.show(taskId, party, 'consensus'),
        ),
      );
      await recordCertificate(node.audit, taskId, certificate);
    } catch (error) {
      await endTask(node, record, 'aborted', refusalOf(error));
      throw error;
    }
    const committed = await node.records.committed(record, certificate);
    node.events.committed(taskId, committed);
    return committed;
  });
}

async function checkCommit(
  node: ConsensusNode,
  record: ContractRecord,
  contractBytes: Uint8Array,
  votes: readonly Signed<Vote>[],
): Promise<void> {
  const { taskId, contract } = record;
  if (Buffer.compare(canonicalBytes(contract), contractBytes) !== 0) {
    throw new ConsensusError('contract_changed', 'the contract is not the one that was voted on');
  }
  verifyCertificate({ contract, votes }, node.keys, node.now());
  // The two votes that this node has seen; one vote of a party for all its peers.
  for (const name of [node.signer.name, contract.initiator]) {
    const seen = await node.records.vote(taskId, name);
    const claimed = votes.find(({ body }) => body.signer === name);
    if (seen?.vote.signature !== claimed?.signature) {
      throw new ConsensusError('vote_mismatch', `this is not the vote that ${name} sent`);
    }
  }
  await checkStillAllowed(node, record);
}

async function sameCertificate(
  node: ConsensusNode,
  { taskId, contract }: ContractRecord,
  votes: readonly Signed<Vote>[],
): Promise<CertificateRecord> {
  const committed = (await node.records.certificate(taskId))!;
  const again = canonicalBytes(composeCertificate(contract, votes));
  if (Buffer.compare(canonicalBytes(committed.certificate), again) !== 0) {
    throw new ConsensusError('wrong_state', 'the task is committed by another certificate');
  }
  return committed;
}
