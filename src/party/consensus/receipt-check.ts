/** What whoever holds a result receipt can check of it, alone and against the other parties' receipts. */
import type { Contract } from './contract.ts';
import { ConsensusError } from './errors.ts';
import type { ResultReceipt } from './receipt-statement.ts';
import { isTimestamp } from './schema.ts';
import type { KeyRing } from './signature.ts';
import { checkSignature, type Signed } from './signed.ts';
import { contractKey, PROTOCOL_VERSION, unsupportedVersion } from './vote.ts';

export const RECEIPT_DOMAIN = 'entente/receipt/v1';

/** Checks what a party of the contract signed about its end. */
export function checkReceipt(
  receipt: Signed<ResultReceipt>,
  contract: Contract,
  { keys }: { readonly keys: KeyRing },
): void {
  const { body } = receipt;
  if (body.protocolVersion !== PROTOCOL_VERSION) throw unsupportedVersion(body);
  const key = contractKey(contract, body.signer, keys);
  if (body.fingerprint !== key.fingerprint) {
    throw new ConsensusError('identity_mismatch', `${body.signer} signed with another key`);
  }
  checkSignature(key, RECEIPT_DOMAIN, receipt);
  if (!isTimestamp(body.signedAt)) {
    throw new ConsensusError('malformed_message', 'signedAt must be a date');
  }
  const others = contract.parties.map(({ name }) => name).filter((name) => name !== body.signer);
  const peers = body.transport.map(({ peer }) => peer);
  if (new Set(peers).size < peers.length || !peers.every((peer) => others.includes(peer))) {
    throw new ConsensusError('malformed_message', 'transport must name other parties, each once');
  }
}

/** Two parties' receipts that tell different stories about what went between them. */
export interface TransportMismatch {
  readonly from: string;
  readonly to: string;
}

/** The directions on which the two ends of a session do not agree, over one attempt's receipts. */
export function transportMismatches(
  receipts: readonly ResultReceipt[],
): readonly TransportMismatch[] {
  const found: TransportMismatch[] = [];
  for (const { signer: from, transport } of receipts) {
    for (const { peer: to, sent } of transport) {
      const other = receipts.find(({ signer }) => signer === to);
      if (!other) continue;
      const received = other.transport.find(({ peer }) => peer === from)?.received;
      const same =
        received?.frames === sent.frames &&
        received.bytes === sent.bytes &&
        received.hash === sent.hash;
      if (!same) found.push({ from, to });
    }
  }
  return found;
}
