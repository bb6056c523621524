import { equal, match, notEqual } from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { implementationDigest } from '../../src/party/implementation.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

describe('implementation digest', () => {
  it('is one of the code, the same each time', async () => {
    const digest = await implementationDigest();
    match(digest, /^[0-9a-f]{64}$/);
    equal(await implementationDigest(), digest);
  });

  it('covers names and contents of what computes jointly, and nothing else', async () => {
    await withTemporaryDirectory(async (root) => {
      const write = (path: string, text: string): void => {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      };
      for (const layer of ['kernels', 'ml', 'protocols', 'party/tasks/programs']) {
        write(`${layer}/a.js`, 'one');
      }
      const base = await implementationDigest(root);
      write('party/node.js', 'one');
      write('party/tasks/run-task.js', 'one');
      write('kernels/a.js.map', 'one');
      write('ml/a.ts', 'one');
      equal(await implementationDigest(root), base);
      const seen = new Set([base]);
      const changes: readonly (() => void)[] = [
        () => write('ml/a.js', 'two'),
        () => write('protocols/deep/b.js', ''),
        () => write('party/tasks/programs/a.js', 'two'),
        () => write('kernels/k.wasm', 'one'),
        () => renameSync(join(root, 'kernels/k.wasm'), join(root, 'kernels/l.wasm')),
        () => renameSync(join(root, 'kernels/l.wasm'), join(root, 'protocols/l.wasm')),
      ];
      for (const change of changes) {
        change();
        const digest = await implementationDigest(root);
        notEqual(seen.has(digest), true);
        seen.add(digest);
      }
    });
  });
});
