import { equal } from 'node:assert/strict';
import {
  type Predictions,
  predictionFile,
} from '../../../../src/party/tasks/programs/prediction-file.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';

const PREDICTIONS: Predictions = {
  keyColumns: ['customer id'],
  keys: [textColumn(['a', 'b, "c"', '客户', 'd\ne'])],
  rows: Uint32Array.of(2, 0, 3),
  scores: [Float64Array.of(0.5, 0.25, 1)],
  threshold: 0.5,
};

function textOf(predictions: Predictions): string {
  const { name, chunks } = predictionFile(predictions);
  equal(name, 'predictions.csv');
  return Buffer.concat(chunks).toString('utf8');
}

describe('prediction file', () => {
  it('has the scored rows in the order of the receiver’s file, keys quoted, classes', () => {
    const text = '"customer id",score,class\na,0.25,0\n客户,0.5,1\n"d\ne",1,1\n';
    equal(textOf(PREDICTIONS), text);
  });

  it('has no class without a threshold, and rows where there are no keys', () => {
    const scores = [Float64Array.of(-1.5, 1e21, 0)];
    const change = { keyColumns: null, keys: null, threshold: null, scores };
    equal(textOf({ ...PREDICTIONS, ...change }), 'row,score\n1,1e+21\n3,-1.5\n4,0\n');
  });

  it('has a column for each of several key columns', () => {
    const keys = [...PREDICTIONS.keys!, textColumn(['1', '2', '', '"'])];
    const text = textOf({ ...PREDICTIONS, keyColumns: ['name', 'zip'], keys, threshold: null });
    equal(text, 'name,zip,score\na,1,0.25\n客户,"",0.5\n"d\ne","""",1\n');
  });

  it('has a column for the probability of each of several classes, and the likeliest one', () => {
    const scores = [
      [0.25, 0.5, 0.125],
      [0.25, 0.25, 0.75],
      [0.5, 0.25, 0.125],
    ];
    const change = { scores: scores.map((each) => Float64Array.from(each)), threshold: null };
    const text =
      '"customer id",score_0,score_1,score_2,class\na,0.5,0.25,0.25,0\n客户,0.25,0.25,0.5,2\n"d\ne",0.125,0.75,0.125,1\n';
    equal(textOf({ ...PREDICTIONS, ...change }), text);
  });

  it('of no rows is its header', () => {
    const none = { rows: new Uint32Array(), scores: [new Float64Array()] };
    equal(textOf({ ...PREDICTIONS, ...none }), '"customer id",score,class\n');
  });
});
