import type { Entry, EntryBody, EntryKind } from '../../src/party/audit/entry.ts';

const HEX = (digit: string): string => digit.repeat(64);
const SIGNATURE = 'ab'.repeat(64);
const TIME = '2026-03-01T10:00:00.000Z';
const DIRECTION = { frames: 3, bytes: 70, hash: HEX('5') };

/** The task of `sampleEntry`. */
export const SAMPLE_TASK: string = HEX('7');

/** A well-formed body of each kind. Signatures and digests are of nothing. */
export const SAMPLE_BODIES: { readonly [K in EntryKind]: EntryBody<K> } = {
  contract: {
    initiator: 'orgA',
    kind: 'train',
    algorithm: 'logistic_regression',
    implementation: HEX('1'),
    leakage: HEX('2'),
    parties: [
      {
        name: 'orgA',
        fingerprint: HEX('a'),
        role: 'label_holder',
        dataset: { commitment: HEX('3'), rows: 120, columns: 4 },
      },
      { name: 'orgB', fingerprint: HEX('b'), role: 'receiver', dataset: null },
    ],
    receivers: ['orgB'],
    createdAt: TIME,
    expiresAt: '2026-03-02T10:00:00.000Z',
  },
  vote: {
    body: {
      protocolVersion: 2,
      signer: 'orgB',
      fingerprint: HEX('b'),
      taskId: SAMPLE_TASK,
      decision: 'accept',
      rule: HEX('4'),
      nonce: HEX('5'),
      votedAt: TIME,
      expiresAt: '2026-03-02T10:00:00.000Z',
      auditHead: HEX('6'),
    },
    signature: SIGNATURE,
  },
  certificate: {
    certificate: HEX('8'),
    votes: [
      { signer: 'orgA', signature: SIGNATURE },
      { signer: 'orgB', signature: SIGNATURE },
    ],
  },
  refusal: { party: 'orgB', from: 'orgB', step: 'prepare', code: 'refused_by_policy' },
  policy: { policy: HEX('9'), rules: 2 },
  data_access: { purpose: 'verify', peer: 'orgA', commitment: HEX('3'), rows: 120, columns: 4 },
  session_opened: {
    peer: 'orgB',
    fingerprint: HEX('b'),
    session: HEX('c'),
    transcript: HEX('d'),
    certificate: HEX('8'),
    checkpoint: HEX('0'),
    implementation: HEX('1'),
  },
  session_closed: {
    peer: 'orgB',
    session: HEX('c'),
    code: null,
    sent: DIRECTION,
    received: DIRECTION,
  },
  phase_receipt: {
    statement: {
      taskId: SAMPLE_TASK,
      attempt: 1,
      session: HEX('c'),
      from: 'orgA',
      to: 'orgB',
      number: 3,
      phase: 'training',
      step: 4,
      last: false,
      ...DIRECTION,
    },
    signature: SIGNATURE,
    countersignature: SIGNATURE,
  },
  disclosure: { class: 'metrics', to: ['orgB'], elements: 5, value: HEX('e') },
  checkpoint_exchange: {
    witness: 'orgB',
    at: 'consensus',
    code: null,
    own: { size: 9, root: HEX('f'), note: 'entente/orgA\n9\nAAAA\n\n- orgA AAAA\n' },
    theirs: null,
  },
  result: {
    receipt: {
      body: {
        protocolVersion: 2,
        signer: 'orgA',
        fingerprint: HEX('a'),
        signedAt: TIME,
        taskId: SAMPLE_TASK,
        attempt: 1,
        outcome: 'completed',
        model: HEX('1'),
        metrics: null,
        transport: [{ peer: 'orgB', sent: DIRECTION, received: DIRECTION }],
      },
      signature: SIGNATURE,
    },
    implementation: HEX('1'),
  },
  delivery: {
    to: { via: 'http', id: '0123456789abcdef' },
    what: 'model',
    bytes: 512,
    value: HEX('2'),
  },
  cancellation: { party: 'orgA', actor: { via: 'command', id: 'operator' } },
  error: { source: 'protocol', code: 'NOT_DECLARED', party: null },
  administration: {
    action: 'token_created',
    actor: { via: 'command', id: 'operator' },
    subject: '0123456789abcdef',
    role: 'auditor',
    digest: null,
  },
  export: {
    scope: 'task',
    actor: { via: 'command', id: 'operator' },
    entries: 17,
    openings: false,
    awaited: ['orgB'],
  },
};

/** A well-formed entry of a kind. */
export function sampleEntry<K extends EntryKind>(kind: K): Entry<K> {
  return {
    v: 1,
    kind,
    time: TIME,
    salt: '00112233445566778899aabbccddeeff',
    task: SAMPLE_TASK,
    seq: 3,
    attempt: 1,
    body: SAMPLE_BODIES[kind],
  } as unknown as Entry<K>;
}
