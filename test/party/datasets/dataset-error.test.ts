import { equal } from 'node:assert/strict';
import { isConsensusErrorCode } from '../../../src/party/consensus/errors.ts';
import { datasetErrorCode } from '../../../src/party/consensus/task-draft.ts';
import { DatasetError } from '../../../src/party/datasets/dataset-error.ts';

describe('dataset error', () => {
  it('has codes that a refusal can carry to a peer', () => {
    for (const code of ['not_utf8', 'missing_column', 'too_many_categories'] as const) {
      equal(datasetErrorCode(new DatasetError(code, 'x')), code);
      equal(isConsensusErrorCode(`dataset/${code}`), true, code);
    }
  });
});
