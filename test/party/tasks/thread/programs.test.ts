import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programOf } from '../../../../src/party/tasks/thread/programs.ts';
import {
  sampleIntersection,
  sampleLabelled,
  samplePrediction,
  testIdentity,
} from '../../../support/contracts.ts';
import { trainingContract } from '../../../support/training-pair.ts';

/** Whatever a module loads, with what that loads: files of this package, and packages. */
function loadedBy(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8').replaceAll(/import type [^;]*;/g, '');
  for (const [, target] of text.matchAll(/(?:^import|from|import\() ?['"]([.@\w][^'" ]*)['"]/gm)) {
    if (target!.startsWith('.')) loadedBy(join(dirname(file), target!), seen);
    else seen.add(target!);
  }
  return seen;
}

describe('programs', () => {
  it('are there for every kind of contract', async () => {
    const training = trainingContract();
    const signers = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
    const contracts = [
      [training, 'trainLinear'],
      [samplePrediction(signers), 'predictLinear'],
      [sampleIntersection(signers), 'intersect'],
      [sampleLabelled([signers[0]!, signers[1]!]), 'labelledIntersect'],
    ] as const;
    for (const [contract, name] of contracts) equal((await programOf(contract)).name, name);
  });

  it('load nothing of the node that takes long or must not be ended at any time', () => {
    const loaded = loadedBy('src/party/tasks/thread/task-worker.ts');
    for (const name of ['train-linear', 'predict-linear', 'intersect', 'labelled-intersect']) {
      ok(loaded.has(`src/party/tasks/programs/${name}.ts`), 'the search follows imports');
    }
    const packages = [...loaded]
      .filter((name) => !/^(src|proto)\/|^node:/.test(name))
      .map((name) => name.replace(/^(@[^/]+\/)?([^/]+).*/, '$1$2'));
    deepEqual([...new Set(packages)].sort(), ['@bufbuild/protobuf', '@noble/curves']);
  });
});
