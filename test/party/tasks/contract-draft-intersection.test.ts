import { deepEqual, equal } from 'node:assert/strict';
import { checkContract } from '../../../src/party/consensus/contract-check.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import type { PsiRequest } from '../../../src/party/http/psi-request.ts';
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

function request(change: Partial<PsiRequest> = {}): PsiRequest {
  return {
    requester: { name: 'orgA', path: 'a.csv', type: 'csv', keyColumns: ['id'] },
    provider: { name: 'orgB', path: 'b.csv', type: 'csv', keyColumns: ['u'] },
    receivers: ['orgA'],
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
    const { requester, provider } = request();
    const drafts: readonly (readonly [
      Partial<PsiRequest>,
      Parameters<typeof refusesDraft>[1],
      RegExp,
    ])[] = [
      [{ provider: requester }, 'INVALID_REQUEST', /must be two parties/],
      [{ provider: { ...provider, name: 'orgX' } }, 'UNKNOWN_PARTY', /^orgX is no party/],
      [
        { requester: { ...requester, name: 'orgC' } },
        'INVALID_REQUEST',
        /^orgA is not among requester and provider/,
      ],
      [{ receivers: ['orgC'] }, 'NOT_AVAILABLE', /orgC, which provides no data/],
    ];
    for (const [change, code, message] of drafts) {
      await refusesDraft(draftIntersection(node, request(change)), code, message);
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
