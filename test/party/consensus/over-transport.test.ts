import { deepEqual, equal, match } from 'node:assert/strict';
import type { ConsensusNode } from '../../../src/party/consensus/consensus-node.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import { serveConsensus } from '../../../src/party/consensus/handlers.ts';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import { keyRingOf } from '../../../src/party/consensus/key-ring.ts';
import { submitReceipt } from '../../../src/party/consensus/receipt.ts';
import { transportReceipt } from '../../../src/party/consensus/receipt-statement.ts';
import { consensusRecords } from '../../../src/party/consensus/records.ts';
import { finishTask } from '../../../src/party/consensus/task-end.ts';
import { Store } from '../../../src/party/store.ts';
import { storedAttempts } from '../../../src/party/stored-attempts.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { FakeDatasets, OPEN_RULE } from '../../support/consensus-network.ts';
import { DECLARATION, NOW, sampleContract } from '../../support/contracts.ts';
import { refusesAsync } from '../../support/refusals.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';
import { testAudit } from '../../support/test-audit.ts';
import { type Node, openPair, startNodes, stopNodes } from '../../support/transports.ts';

/** Consensus of one node over its real transport, identity and peers. */
function consensusOver({ identity, transport }: Node, store: Store): ConsensusNode {
  const node: ConsensusNode = {
    signer: identity,
    keys: keyRingOf(identity, () => transport.peers),
    peers: transport,
    policy: async () => ({ version: 1, rules: [OPEN_RULE] }),
    datasets: new FakeDatasets(),
    declare: () => DECLARATION,
    records: consensusRecords(store, () => NOW),
    attempts: storedAttempts(store),
    events: { committed() {}, asked() {}, approved() {}, ended() {}, denied() {}, failed() {} },
    audit: testAudit(),
    now: () => NOW,
    rng: systemRng,
  };
  serveConsensus(transport, node);
  return node;
}

describe('consensus over gRPC', () => {
  it('reaches agreement, opens a session by it, and exchanges receipts', () =>
    withTemporaryDirectory(async (directory) => {
      const names = ['orgA', 'orgB'];
      const stores = await Promise.all(names.map((name) => Store.open(`${directory}/${name}`)));
      const transports = await startNodes(names);
      try {
        const [a, b] = transports.map((node, i) => consensusOver(node, stores[i]!));
        const contract = sampleContract([a!.signer, b!.signer]);
        const { taskId, digest } = await proposeContract(a!, contract);
        match(taskId, /^[0-9a-f]{64}$/);
        equal((await b!.records.certificate(taskId))?.digest, digest);
        await refusesAsync(proposeContract(a!, contract), 'replayed_task');

        const terms = {
          taskId: Buffer.from(taskId, 'hex'),
          certificateDigest: Buffer.from(digest, 'hex'),
          attempt: await a!.attempts.next(Buffer.from(taskId, 'hex')),
        };
        const [session] = await openPair(transports[0]!, transports[1]!, terms);
        for (const [i, peer] of ['orgB', 'orgA'].entries()) {
          await storedAttempts(stores[i]!).claim(terms.taskId, peer, terms.attempt);
        }
        const statement = {
          taskId,
          attempt: terms.attempt,
          outcome: 'completed',
          model: '11'.repeat(32),
          metrics: null,
          transport: [transportReceipt('orgB', session.receipt())],
        } as const;
        await finishTask(a!, taskId);
        deepEqual(await submitReceipt(a!, statement), []);
        equal((await b!.records.receipts(taskId, 1)).length, 1);
      } finally {
        await stopNodes(transports);
        await Promise.all(stores.map((store) => store.close()));
      }
    }));

  it('refuses when the peer cannot be reached', () =>
    withTemporaryDirectory(async (directory) => {
      const stores = [await Store.open(`${directory}/orgA`), await Store.open(`${directory}/orgB`)];
      const transports = await startNodes(['orgA', 'orgB']);
      try {
        const [a, b] = transports.map((node, i) => consensusOver(node, stores[i]!));
        await transports[1]!.transport.stop();
        const contract = sampleContract([a!.signer, b!.signer]);
        await refusesAsync(proposeContract(a!, contract), 'unreachable', 'orgB');
        equal((await a!.records.find(taskIdOf(contract)))?.state, 'aborted');
      } finally {
        await stopNodes(transports);
        await Promise.all(stores.map((store) => store.close()));
      }
    }));
});
