import { deepEqual, equal } from 'node:assert/strict';
import { checkContract } from '../../../src/party/consensus/contract-check.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import type { PsiProvider, PsiRequest } from '../../../src/party/http/psi-request.ts';
import { draftIntersection } from '../../../src/party/tasks/contract-draft-intersection.ts';
import { declareAlgorithms } from '../../../src/party/tasks/declaration.ts';
import {
  type FakeParty,
  fakeNode,
  IMPLEMENTATION,
  LABELLED,
  OTHER,
  refusesDraft,
} from '../../support/drafting-node.ts';

const BOTH = { orgA: LABELLED, orgB: OTHER };

const A: PsiProvider = {
  name: 'orgA',
  path: 'a.csv',
  type: 'csv',
  keyColumns: ['id'],
  payload: [],
};
const B: PsiProvider = { ...A, name: 'orgB', path: 'b.csv', keyColumns: ['u'] };
const C: PsiProvider = { ...B, name: 'orgC' };

function request(change: Partial<PsiRequest> = {}): PsiRequest {
  return {
    providers: [A, B],
    receivers: ['orgA'],
    engine: 'auto',
    output: 'rows',
    join: 'inner',
    duplicates: 'first',
    minimumIntersection: 0,
    async: false,
    purpose: 'overlap',
    warnings: [{ code: 'UNKNOWN_FIELD', message: 'x is not known; ignored' }],
    ...change,
  };
}

describe('contract draft of a set intersection', () => {
  it('brings keys alone, requester first', async () => {
    const { node, asked } = fakeNode(BOTH);
    const { contract, warnings } = await draftIntersection(node, request());
    checkContract(contract);
    equal(contract.kind, 'psi');
    deepEqual(
      contract.parties.map(({ name, role, dataset }) => [
        name,
        role,
        dataset!.keyColumns,
        dataset!.labelColumn,
        dataset!.features,
      ]),
      [
        ['orgA', 'data_holder', ['id'], null, []],
        ['orgB', 'data_holder', ['u'], null, []],
      ],
    );
    deepEqual([contract.receivers, contract.purpose], [['orgA'], 'overlap']);
    equal(contract.alignment.duplicates, 'first');
    equal(warnings.length, 1);
    deepEqual(declareAlgorithms(IMPLEMENTATION)(contract), {
      implementation: IMPLEMENTATION,
      leakage: contract.leakage,
    });
    for (const [, draft] of asked) {
      deepEqual(draft.dataset.selectColumns, []);
      deepEqual([draft.kind, draft.model, draft.modelRelease], ['psi', null, null]);
    }
  });

  it('declares a count where anybody asks for a minimum', async () => {
    const counted = async (b: FakeParty, minimumIntersection: number) => {
      const { node } = fakeNode({ ...BOTH, orgB: b });
      const { contract } = await draftIntersection(node, request({ minimumIntersection }));
      return [
        contract.alignment.minimumIntersection,
        ...contract.leakage.opened.map(({ name }) => name),
      ];
    };
    deepEqual(await counted(OTHER, 0), [0, 'intersection']);
    deepEqual(await counted(OTHER, 9), [9, 'intersection_size', 'intersection']);
    const strict = { ...OTHER, minimumIntersection: 50 };
    deepEqual(await counted(strict, 9), [50, 'intersection_size', 'intersection']);
  });

  it('takes a dataset without rows', async () => {
    const { node } = fakeNode({ ...BOTH, orgB: { ...OTHER, rows: 0 } });
    const { contract } = await draftIntersection(node, request());
    equal(contract.parties[1]!.dataset!.rowCount, 0);
  });

  it('refuses one party twice, strangers, and a request for others', async () => {
    const { node } = fakeNode({ ...BOTH, orgC: OTHER });
    const drafts: readonly (readonly [
      Partial<PsiRequest>,
      Parameters<typeof refusesDraft>[1],
      RegExp,
    ])[] = [
      [{ providers: [A] }, 'INVALID_REQUEST', /must be different parties/],
      [{ providers: [A, B, A] }, 'INVALID_REQUEST', /must be different parties/],
      [{ providers: [A, { ...B, name: 'orgX' }] }, 'UNKNOWN_PARTY', /^orgX is no party/],
      [{ providers: [C, B] }, 'INVALID_REQUEST', /^orgA is not among requester and providers/],
      [{ receivers: ['orgC'] }, 'NOT_AVAILABLE', /orgC, which provides no data/],
    ];
    for (const [change, code, message] of drafts) {
      await refusesDraft(draftIntersection(node, request(change)), code, message);
    }
  });

  it('takes keys of several columns, and any party’s result, of up to sixteen', async () => {
    const names = Array.from({ length: 17 }, (_, i) => `org${String.fromCharCode(65 + i)}`);
    const { node } = fakeNode(Object.fromEntries(names.map((name) => [name, OTHER])));
    const all = names.map((name) => ({ ...C, name, keyColumns: ['v', 'u'] }));
    const receivers = ['orgC', 'orgB'];
    for (const n of [3, 16]) {
      const asked = request({ providers: all.slice(0, n), receivers });
      const { contract } = await draftIntersection(node, asked);
      checkContract(contract);
      equal(contract.parties.length, n);
      deepEqual(contract.parties[2]!.dataset!.keyColumns, ['v', 'u']);
      deepEqual([contract.alignment.engine, contract.receivers], ['rr22', receivers]);
      deepEqual(declareAlgorithms(IMPLEMENTATION)(contract)!.leakage, contract.leakage);
    }
    const many = request({ providers: all, receivers });
    await refusesDraft(draftIntersection(node, many), 'NOT_AVAILABLE', /at most 16 parties$/);
    const uneven = request({ providers: [{ ...A, keyColumns: ['u'] }, all[1]!] });
    await refusesDraft(draftIntersection(node, uneven), 'INVALID_REQUEST', /as many columns/);
  });

  it('resolves engine, join and output, and asks each party for its own payload alone', async () => {
    const { node, asked } = fakeNode(BOTH);
    const of = async (change: Partial<PsiRequest>) => {
      const { contract } = await draftIntersection(node, request(change));
      const { algorithm, alignment, parameters, leakage } = contract;
      const opened = leakage.opened.map(({ name, most }) => `${name} ${most}`);
      return [algorithm.name, alignment.engine, parameters.output, parameters.join, ...opened];
    };
    const both = ['orgA', 'orgB'];
    const common = 'intersection 1000';
    deepEqual(await of({}), ['intersection', 'ecdh', 'rows', 'inner', common]);
    deepEqual(await of({ engine: 'rr22' }), ['intersection', 'rr22', 'rows', 'inner', common]);
    deepEqual(await of({ join: 'full' }), ['intersection', 'ecdh', 'rows', 'full', common]);
    deepEqual(await of({ output: 'size', receivers: both }), [
      'intersection',
      'ecdh',
      'size',
      'inner',
      'intersection_size 1',
    ]);
    deepEqual(await of({ duplicates: 'expand', receivers: both }), [
      'intersection',
      'ecdh',
      'rows',
      'inner',
      common,
      'multiplicities 1000',
    ]);
    equal((await of({ duplicates: 'expand' }))[1], 'rr22', 'to one alone');
    asked.length = 0;
    const labelled = { providers: [A, { ...B, payload: ['v', 'id'] }] };
    deepEqual(await of(labelled), [
      'labelled_intersection',
      'rr22',
      'rows',
      'inner',
      common,
      'payload 2000',
    ]);
    deepEqual(
      asked.map(([party, { algorithm, dataset }]) => [party, algorithm.name, dataset.payload]),
      [
        ['orgA', 'labelled_intersection', []],
        ['orgB', 'labelled_intersection', ['v', 'id']],
      ],
    );
  });

  it('names the field of what does not go together', async () => {
    const { node } = fakeNode(BOTH);
    const labelled = { providers: [A, { ...B, payload: ['v'] }] };
    for (const [change, message] of [
      [{ output: 'size' }, /^the task: receivers must have both/],
      [{ duplicates: 'expand', join: 'left', engine: 'ecdh' }, /with rr22 alone/],
      [{ ...labelled, engine: 'ecdh' }, /^one party tells .* with rr22 alone/],
      [{ ...labelled, join: 'left' }, /^the task: parameters\/join/],
      [{ ...labelled, receivers: ['orgB'] }, /^the task: receivers must have orgA/],
    ] as const) {
      await refusesDraft(draftIntersection(node, request(change)), 'INVALID_REQUEST', message);
    }
  });

  it('passes a refusal on with the name of who refused', async () => {
    const refusing = {
      ...OTHER,
      refuses: () => new ConsensusError('refused_by_policy', 'the policy does not allow it'),
    };
    const { node } = fakeNode({ ...BOTH, orgB: refusing });
    await refusesDraft(draftIntersection(node, request()), 'REFUSED', /^orgB: the policy/);
  });
});
