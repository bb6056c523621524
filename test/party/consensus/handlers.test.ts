import { deepEqual, equal, rejects } from 'node:assert/strict';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { METHODS } from '../../../src/party/consensus/wire.ts';
import { type Network, withNetwork } from '../../support/consensus-network.ts';

const TWO = ['orgA', 'orgB'];
const signature = new Uint8Array(64);

/** The code with which `orgB` answers, whatever the method. */
async function codeOf(answer: Promise<{ result?: unknown }>): Promise<string> {
  const { result } = (await answer) as { result?: { $case: string; value: { code?: string } } };
  return result?.$case === 'refused' ? (result.value.code ?? '') : `answered ${result?.$case}`;
}

describe('consensus handlers', () => {
  it('refuse messages that are empty or no JSON, by code', () =>
    withNetwork(TWO, async (network) => {
      const send = network.send.bind(null, 'orgA', 'orgB') as <Q, R>(
        method: Parameters<Network['send']>[2],
        request: Q,
      ) => Promise<R & { result?: unknown }>;
      const empty = new Uint8Array();
      const junk = new Uint8Array([0xff, 0xfe]);
      const vote = { body: canonicalBytes({}), signature };
      const calls: readonly (readonly [keyof typeof METHODS, unknown])[] = [
        ['describe', { draft: empty }],
        ['describe', { draft: junk }],
        ['describe', { draft: new Uint8Array((1 << 20) + 1) }],
        ['prepare', { contract: empty, vote: undefined }],
        ['prepare', { contract: junk, vote }],
        ['commit', { taskId: empty, contract: empty, votes: [] }],
        ['commit', { taskId: new Uint8Array(32), contract: empty, votes: [vote] }],
        ['receipt', { receipt: undefined }],
        ['receipt', { receipt: { body: junk, signature } }],
        ['receipt', { receipt: { body: canonicalBytes({}), signature: empty } }],
      ];
      for (const [name, request] of calls) {
        equal(await codeOf(send(METHODS[name] as never, request)), 'malformed_message', name);
      }
      deepEqual(network.at('orgB').log, [], 'none of it is a fault of the node');
    }));

  it('do not answer an abort without a task', () =>
    withNetwork(TWO, async (network) => {
      const request = { taskId: new Uint8Array(31), refused: undefined, party: 'orgA' };
      await rejects(network.send('orgA', 'orgB', METHODS.abort, request));
    }));

  it('report their own faults here and tell the peer none of it', () =>
    withNetwork(TWO, async (network) => {
      await network.at('orgB').store.close();
      const request = { taskId: new Uint8Array(32), contract: new Uint8Array(), votes: [] };
      const { result } = await network.send('orgA', 'orgB', METHODS.commit, request);
      deepEqual(result, {
        $case: 'refused',
        value: { code: 'internal', reason: 'the node could not answer; its log says why' },
      });
      deepEqual(network.at('orgB').log, ['failed the store is closed']);
    }));
});
