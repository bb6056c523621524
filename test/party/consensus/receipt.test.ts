import { deepEqual, equal, notEqual, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ReceiptResponse } from '../../../proto/gen/consensus.ts';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import { exchangeAgain, sendReceipt, submitReceipt } from '../../../src/party/consensus/receipt.ts';
import {
  type ResultReceipt,
  type ResultStatement,
  resultCommitment,
  type TransportReceipt,
  transportReceipt,
} from '../../../src/party/consensus/receipt-statement.ts';
import { encodeSigned, signBody } from '../../../src/party/consensus/signed.ts';
import { abortTask, finishTask } from '../../../src/party/consensus/task-end.ts';
import { METHODS } from '../../../src/party/consensus/wire.ts';
import { storedAttempts } from '../../../src/party/stored-attempts.ts';
import { lost, type Network, withNetwork } from '../../support/consensus-network.ts';
import { refusesAsync } from '../../support/refusals.ts';

const THREE = ['orgA', 'orgB', 'orgC'];
const DOMAIN = 'entente/receipt/v1';

const traffic = (peer: string, sent: number, received: number): TransportReceipt => ({
  peer,
  sent: { frames: sent, bytes: 100 * sent, hash: 'aa'.repeat(32) },
  received: { frames: received, bytes: 100 * received, hash: 'aa'.repeat(32) },
});

const statement = (taskId: string): ResultStatement => ({
  taskId,
  attempt: 1,
  outcome: 'completed',
  model: '11'.repeat(32),
  metrics: null,
  transport: [],
});

/** An agreed task at which every node has made two attempts. */
async function withAgreedTask(
  use: (network: Network, taskId: string) => Promise<void>,
): Promise<void> {
  await withNetwork(THREE, async (network) => {
    const { taskId } = await proposeContract(network.at('orgA').node, network.contract());
    for (const name of THREE) {
      const attempts = storedAttempts(network.at(name).store);
      const peer = name === 'orgA' ? 'orgB' : 'orgA';
      for (const attempt of [1, 2]) await attempts.claim(Buffer.from(taskId, 'hex'), peer, attempt);
    }
    await use(network, taskId);
  });
}

/** A receipt that `signer` signs honestly about whatever fields the test wants. */
function receiptOf(
  network: Network,
  signer: string,
  taskId: string,
  changes: Partial<ResultReceipt> = {},
) {
  const identity = network.at(signer).identity.signer;
  return signBody<ResultReceipt>(identity, DOMAIN, {
    ...statement(taskId),
    protocolVersion: 2,
    signer,
    fingerprint: identity.fingerprint,
    signedAt: '2026-03-01T12:00:00.000Z',
    ...changes,
  });
}

/** The code with which `orgB` refuses a receipt that `orgA` sends, or `ok`. */
async function verdict(
  network: Network,
  receipt: ReturnType<typeof receiptOf>,
  from = 'orgA',
): Promise<string> {
  const request = { receipt: encodeSigned(receipt) };
  const { result } = await network.send(from, 'orgB', METHODS.receipt, request);
  return result?.$case === 'refused' ? result.value.code : 'ok';
}

describe('result receipt', () => {
  it('is exchanged between all parties, and each keeps all', () =>
    withAgreedTask(async (network, taskId) => {
      for (const name of THREE) {
        const { node } = network.at(name);
        await finishTask(node, taskId);
        const own = { ...statement(taskId), model: name === 'orgA' ? '22'.repeat(32) : null };
        deepEqual(await submitReceipt(node, own), []);
      }
      for (const name of THREE) {
        const receipts = await network.at(name).node.records.receipts(taskId, 1);
        deepEqual(
          receipts.map(({ body }) => body.signer),
          THREE,
          name,
        );
      }
    }));

  it('commits to model and metrics, and only the signer can open it', () =>
    withAgreedTask(async (network, taskId) => {
      const { node } = network.at('orgA');
      const metrics = '33'.repeat(32);
      await submitReceipt(node, { ...statement(taskId), metrics });
      const [receipt] = await network.at('orgB').node.records.receipts(taskId, 1);
      for (const [field, digest] of Object.entries({ model: '11'.repeat(32), metrics })) {
        const name = field as 'model' | 'metrics';
        const opening = await node.records.opening(taskId, 1, name);
        equal(opening?.digest, digest);
        const tag = `entente/receipt-${field}/v1\0`;
        const salted = Buffer.from(`${opening!.salt}${digest}`, 'hex');
        const expected = createHash('sha256').update(tag).update(salted).digest('hex');
        equal(receipt?.body[name], expected, field);
        const guesses = [digest, resultCommitment(name, { salt: '00'.repeat(32), digest })];
        equal(guesses.includes(receipt.body[name]), false, `${field} cannot be guessed`);
        equal(await network.at('orgB').node.records.opening(taskId, 1, name), undefined);
      }
      await submitReceipt(node, { ...statement(taskId), attempt: 2, metrics });
      const [again] = await node.records.receipts(taskId, 2);
      notEqual(again?.body.metrics, receipt?.body.metrics, 'a fresh salt each time');
    }));

  it('opens to nothing where there is nothing to commit to', () =>
    withAgreedTask(async (network, taskId) => {
      const { node } = network.at('orgA');
      await submitReceipt(node, { ...statement(taskId), model: null });
      const [receipt] = await node.records.receipts(taskId, 1);
      deepEqual([receipt?.body.model, receipt?.body.metrics], [null, null]);
      equal(await node.records.opening(taskId, 1, 'model'), undefined);
      const short = { salt: '00', digest: '11'.repeat(32) };
      throws(() => resultCommitment('model', short), RangeError);
    }));

  it('is refused for an attempt that was not made here', () =>
    withAgreedTask(async (network, taskId) => {
      for (const attempt of [0, 3, 2 ** 32 - 1]) {
        const receipt = receiptOf(network, 'orgA', taskId, { attempt });
        equal(await verdict(network, receipt), 'unknown_attempt', `${attempt}`);
        equal((await network.at('orgB').node.records.receipts(taskId, attempt)).length, 0);
      }
      for (const attempt of [1, 2]) {
        equal(await verdict(network, receiptOf(network, 'orgA', taskId, { attempt })), 'ok');
      }
    }));

  it('can be given for a task that was aborted after consensus', () =>
    withAgreedTask(async (network, taskId) => {
      const { node } = network.at('orgB');
      await abortTask(node, taskId, { code: 'task_failed', reason: 'out of memory' });
      const failed = { ...statement(taskId), outcome: 'failed', model: null } as const;
      deepEqual(await submitReceipt(node, failed), []);
    }));

  it('comes back from a party whose own could not be delivered', () =>
    withAgreedTask(async (network, taskId) => {
      const signers = async (name: string): Promise<string[]> =>
        (await network.at(name).node.records.receipts(taskId, 1)).map(({ body }) => body.signer);
      network.intercept = async ({ to }, deliver) => {
        if (to === 'orgB') throw lost('UNREACHABLE');
        return deliver();
      };
      await submitReceipt(network.at('orgA').node, statement(taskId));
      deepEqual(await signers('orgB'), []);
      network.intercept = (_call, deliver) => deliver();
      deepEqual(await submitReceipt(network.at('orgB').node, statement(taskId)), []);
      deepEqual(await signers('orgB'), ['orgA', 'orgB']);
    }));

  it('is asked for again by a party that lacks it', () =>
    withAgreedTask(async (network, taskId) => {
      const { node } = network.at('orgA');
      await exchangeAgain(node, taskId);
      equal((await node.records.receipts(taskId, 2)).length, 0, 'there is nothing to send yet');
      await submitReceipt(node, { ...statement(taskId), attempt: 2 });
      network.intercept = async ({ to }, deliver) => {
        if (to === 'orgA') throw lost('UNREACHABLE');
        return deliver();
      };
      await submitReceipt(network.at('orgB').node, { ...statement(taskId), attempt: 2 });
      equal((await node.records.receipts(taskId, 2)).length, 1);
      network.intercept = (_call, deliver) => deliver();
      await exchangeAgain(node, taskId);
      equal((await node.records.receipts(taskId, 2)).length, 2);
    }));

  it('of the answering party is checked like one that was sent', () =>
    withAgreedTask(async (network, taskId) => {
      const forged = { ...receiptOf(network, 'orgB', taskId), signature: '00'.repeat(64) };
      network.intercept = async ({ to }, deliver) => {
        const answer = ReceiptResponse.decode(await deliver());
        if (to !== 'orgB') return ReceiptResponse.encode(answer).finish();
        return ReceiptResponse.encode({ ...answer, own: encodeSigned(forged) }).finish();
      };
      const missed = await submitReceipt(network.at('orgA').node, statement(taskId));
      deepEqual(
        missed.map(({ party, code }) => [party, code]),
        [['orgB', 'bad_signature']],
      );
      equal((await network.at('orgA').node.records.receipts(taskId, 1)).length, 1);
    }));

  it('names the parties that did not take it, and can be sent again', () =>
    withAgreedTask(async (network, taskId) => {
      const { node } = network.at('orgA');
      network.intercept = async ({ to }, deliver) => {
        if (to === 'orgC') throw lost('UNREACHABLE');
        return deliver();
      };
      const missed = await submitReceipt(node, statement(taskId));
      deepEqual(
        missed.map(({ party, code }) => [party, code]),
        [['orgC', 'unreachable']],
      );
      network.intercept = (_call, deliver) => deliver();
      const [receipt] = await node.records.receipts(taskId, 1);
      const { certificate } = (await node.records.certificate(taskId))!;
      deepEqual(await sendReceipt(node, certificate.contract, receipt!), []);
      equal((await network.at('orgC').node.records.receipts(taskId, 1)).length, 1);
    }));

  it('is signed once an attempt', () =>
    withAgreedTask(async (network, taskId) => {
      const { node } = network.at('orgA');
      await submitReceipt(node, statement(taskId));
      const other = { ...statement(taskId), model: null };
      await refusesAsync(submitReceipt(node, other), 'duplicate_receipt');
      deepEqual(await submitReceipt(node, { ...other, attempt: 2 }), []);
      const second = receiptOf(network, 'orgA', taskId, { metrics: '33'.repeat(32) });
      equal(await verdict(network, second), 'duplicate_receipt');
    }));

  it('is refused by whom, for which task and by what key it is not', () =>
    withAgreedTask(async (network, taskId) => {
      const receipt = receiptOf(network, 'orgA', taskId);
      const cases: readonly (readonly [string, ReturnType<typeof receiptOf>, string?])[] = [
        ['wrong_signer', receipt, 'orgC'],
        ['unknown_task', receiptOf(network, 'orgA', '00'.repeat(32))],
        ['bad_signature', { ...receipt, body: { ...receipt.body, model: null } }],
        ['bad_signature', { ...receiptOf(network, 'orgC', taskId), body: receipt.body }],
        ['identity_mismatch', receiptOf(network, 'orgA', taskId, { fingerprint: '00'.repeat(32) })],
        ['unsupported_version', receiptOf(network, 'orgA', taskId, { protocolVersion: 1 })],
      ];
      for (const [code, forged, from] of cases) equal(await verdict(network, forged, from), code);
      equal((await network.at('orgB').node.records.receipts(taskId, 1)).length, 0);
      equal(await verdict(network, receipt), 'ok');
      equal(await verdict(network, receipt), 'ok', 'the same one again');
    }));

  it('is refused from a peer outside the task', () =>
    withNetwork([...THREE, 'orgX'], async (network) => {
      const parties = network.contract().parties.slice(0, 3);
      const contract = network.contract({ parties });
      const { taskId } = await proposeContract(network.at('orgA').node, contract);
      const receipt = receiptOf(network, 'orgX', taskId);
      equal(await verdict(network, receipt, 'orgX'), 'not_participant');
    }));

  it('is refused when malformed', () =>
    withAgreedTask(async (network, taskId) => {
      const cases: readonly object[] = [
        { attempt: -1 },
        { attempt: 2 ** 32 },
        { outcome: 'unknown' },
        { model: 'x' },
        { signedAt: '2026-02-30T12:00:00.000Z' },
        { transport: [traffic('orgA', 1, 1)] },
        { transport: [traffic('orgX', 1, 1)] },
        { transport: [traffic('orgB', 1, 1), traffic('orgB', 1, 1)] },
        { transport: [{ ...traffic('orgB', 1, 1), extra: 1 }] },
        { transport: [traffic('orgB', -1, 1)] },
      ];
      for (const changes of cases) {
        const receipt = receiptOf(network, 'orgA', taskId, changes as Partial<ResultReceipt>);
        const bytes = new TextDecoder().decode(canonicalBytes(changes));
        equal(await verdict(network, receipt), 'malformed_message', bytes);
      }
    }));
});

describe('transport receipts', () => {
  it('are the transport’s counts, hashes in hex', () => {
    const direction = { hash: new Uint8Array(32).fill(0xaa), frames: 2, bytes: 200 };
    const session = { sent: direction, received: { ...direction, frames: 1, bytes: 100 } };
    deepEqual(transportReceipt('orgB', session), traffic('orgB', 2, 1));
  });
});
