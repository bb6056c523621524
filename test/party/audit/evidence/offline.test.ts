import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOTS = ['verify', 'reconcile', 'report', 'keys'].map(
  (name) => `src/party/audit/evidence/${name}.ts`,
);

/** What a verifier must do without: the disk, the network, the clock, the node and its store. */
const FORBIDDEN: readonly RegExp[] = [
  /^node:(?!crypto$)/,
  /^(level|abstract-level|@grpc\/|fastify|pino|@duckdb|commander|node-seal)/,
  /^src\/party\/(store|node|config|transport\/|http\/|cli\/|tasks\/|datasets\/|audit\/audit-log)/,
];

/** Everything that these files load, types aside: packages by name, files by path. */
function loadedBy(roots: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const files = [...roots];
  for (let file = files.pop(); file !== undefined; file = files.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [statement, target] of text.matchAll(/^(?:import|export)[^;]*?from '([^']+)';/gms)) {
      if (/^(?:import|export) type/.test(statement!)) continue;
      if (target!.startsWith('.')) files.push(relative('.', join(dirname(file), target!)));
      else seen.add(target!);
    }
  }
  return seen;
}

describe('verification of evidence', () => {
  it('needs nothing of a node: no disk, no network, no clock, no store', () => {
    const loaded = [...loadedBy(ROOTS)];
    ok(loaded.includes('src/party/audit/merkle.ts'), 'the walk found what is loaded');
    ok(loaded.includes('src/party/consensus/vote.ts'));
    deepEqual(
      loaded.filter((name) => FORBIDDEN.some((pattern) => pattern.test(name))),
      [],
    );
    for (const file of loaded.filter((name) => name.startsWith('src/party/audit/evidence/'))) {
      const text = readFileSync(file, 'utf8');
      ok(!/Date\.now\(|new Date\(\)|process\./.test(text), file);
    }
  });

  it('is told apart from what does need it', () => {
    const loaded = [...loadedBy(['src/party/audit/stored-evidence.ts', 'src/party/node.ts'])];
    ok(loaded.filter((name) => FORBIDDEN.some((pattern) => pattern.test(name))).length > 20);
  });
});
