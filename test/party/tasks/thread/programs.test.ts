import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programOf } from '../../../../src/party/tasks/thread/programs.ts';
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
    for (const kind of ['train', 'predict', 'psi'] as const) {
      const contract = { ...trainingContract(), kind } as Parameters<typeof programOf>[0];
      ok(typeof (await programOf(contract)) === 'function', kind);
    }
  });

  it('load nothing of the node that takes long or must not be ended at any time', () => {
    const loaded = loadedBy('src/party/tasks/thread/task-worker.ts');
    for (const name of ['train-linear', 'predict-linear', 'intersect']) {
      ok(loaded.has(`src/party/tasks/programs/${name}.ts`), 'the search follows imports');
    }
    const packages = [...loaded]
      .filter((name) => !/^(src|proto)\/|^node:/.test(name))
      .map((name) => name.replace(/^(@[^/]+\/)?([^/]+).*/, '$1$2'));
    deepEqual([...new Set(packages)].sort(), [
      '@bufbuild/protobuf',
      '@noble/curves',
      '@noble/hashes',
    ]);
  });
});
