import { deepEqual } from 'node:assert/strict';
import { transportMismatches } from '../../../src/party/consensus/receipt-check.ts';
import type {
  ResultReceipt,
  TransportReceipt,
} from '../../../src/party/consensus/receipt-statement.ts';

const traffic = (peer: string, sent: number, received: number): TransportReceipt => ({
  peer,
  sent: { frames: sent, bytes: 100 * sent, hash: 'aa'.repeat(32) },
  received: { frames: received, bytes: 100 * received, hash: 'aa'.repeat(32) },
});

describe('transport receipts', () => {
  const receipt = (signer: string, ...transport: readonly TransportReceipt[]): ResultReceipt => ({
    taskId: '00'.repeat(32),
    attempt: 1,
    outcome: 'completed',
    model: null,
    metrics: null,
    protocolVersion: 2,
    signer,
    fingerprint: '00'.repeat(32),
    signedAt: '2026-03-01T12:00:00.000Z',
    transport,
  });

  it('agree when each end received what the other sent', () => {
    const a = receipt('orgA', traffic('orgB', 3, 5));
    deepEqual(transportMismatches([a, receipt('orgB', traffic('orgA', 5, 3))]), []);
    deepEqual(transportMismatches([a]), [], 'the other has not spoken');
    deepEqual(transportMismatches([]), []);
  });

  it('name each direction on which the ends differ', () => {
    const a = receipt('orgA', traffic('orgB', 3, 5));
    const fewer = receipt('orgB', traffic('orgA', 5, 2));
    deepEqual(transportMismatches([a, fewer]), [{ from: 'orgA', to: 'orgB' }]);
    const honest = traffic('orgA', 5, 3);
    for (const change of [{ frames: 4 }, { bytes: 499 }, { hash: 'bb'.repeat(32) }]) {
      const altered = receipt('orgB', { ...honest, sent: { ...honest.sent, ...change } });
      const [field] = Object.keys(change);
      deepEqual(transportMismatches([a, altered]), [{ from: 'orgB', to: 'orgA' }], field);
    }
    const silent = receipt('orgB');
    deepEqual(transportMismatches([a, silent]), [{ from: 'orgA', to: 'orgB' }]);
  });
});
