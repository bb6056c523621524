import { equal } from 'node:assert/strict';
import {
  datasetReference,
  isDatasetName,
  referencedName,
  typeBySuffix,
} from '../../../src/party/datasets/registered-name.ts';

describe('registered name', () => {
  it('is told apart from a path by its prefix', () => {
    equal(datasetReference('loans'), 'dataset:loans');
    equal(referencedName('dataset:loans'), 'loans');
    equal(referencedName('dataset:'), '');
    for (const path of ['loans', 'credit/dataset:loans', 'Dataset:loans', 'dataset/loans']) {
      equal(referencedName(path), undefined, path);
    }
  });

  it('has a form that is a key of the store and a word of a request', () => {
    for (const name of ['a', '7', 'loans-2026', 'A.b_c', 'x'.repeat(64)]) {
      equal(isDatasetName(name), true, name);
    }
    for (const name of ['', 'a/b', 'a:b', 'a b', '.a', 'a-', 'ü', 'x'.repeat(65), 'a\n']) {
      equal(isDatasetName(name), false, name);
    }
  });

  it('goes with a type that the name of the file tells', () => {
    const cases = {
      'a.csv': 'csv',
      'b/c.JSON': 'json',
      'd.ndjson': 'json',
      'e.parquet': 'parquet',
    };
    for (const [path, type] of Object.entries(cases)) equal(typeBySuffix(path), type, path);
    for (const path of ['table', 'a.csv/b', 'x.constructor', 'y.', 'dataset:a']) {
      equal(typeBySuffix(path), undefined, path);
    }
  });
});
