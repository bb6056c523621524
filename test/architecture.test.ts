import { deepEqual, ok } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Which layer may import which. A layer may always import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'proto/gen': [],
  kernels: [],
  protocols: ['kernels', 'proto/gen'],
  'ml/plain': [],
  'ml/joint': ['ml/plain', 'protocols', 'kernels', 'proto/gen'],
  party: ['ml/joint', 'ml/plain', 'protocols', 'kernels', 'proto/gen', 'sdk'],
  sdk: [],
};

/** Packages and globals of the outside world, and the files that may touch them. */
const ONLY_IN: readonly (readonly [pattern: RegExp, where: RegExp])[] = [
  [/from '@grpc\/grpc-js'/, /^src\/party\//],
  [/from '(abstract-)?level'/, /^src\/party\//],
  [/from 'pino'/, /^src\/party\//],
  [/from 'fastify'/, /^src\/party\//],
  [/from '@duckdb\/node-api'/, /^src\/party\//],
  [/from 'node-seal'/, /^src\/protocols\/he\/seal\.ts$/],
  [
    /from 'node:(fs|fs\/promises|net|tls|http|http2|https|os|child_process)'/,
    /^src\/(party\/|kernels\/wasm-memory\.ts)/,
  ],
  [/\bDate\.now\(|\bnew Date\(\)|performance\.now\(/, /^src\/party\//],
  [/\bprocess\.(env|argv|exit)\b/, /^src\/party\//],
  [/\bMath\.random\b/, /^$/],
  [/\bconsole\./, /^$/],
];

/** The layer of a source path, or undefined when it belongs to none. */
function layerOf(path: string): string | undefined {
  if (path.startsWith('proto/gen/')) return 'proto/gen';
  const [top, layer, sub] = path.split('/');
  if (top !== 'src') return undefined;
  if (layer === 'ml') return sub === 'vertical' || sub === 'horizontal' ? 'ml/joint' : 'ml/plain';
  return layer! in MAY_IMPORT ? layer : undefined;
}

/** Every rule that the text of one file breaks. */
function violationsOf(path: string, text: string): string[] {
  const found: string[] = [];
  const layer = layerOf(path);
  if (!layer) return [`${path} is in no layer`];
  for (const [, target] of text.matchAll(/(?:from|import\() ?['"](\.[^'"]+)['"]/g)) {
    const to = layerOf(join(dirname(path), target!));
    if (to !== layer && !(to && MAY_IMPORT[layer]!.includes(to))) {
      found.push(`${path} -> ${target}`);
    }
  }
  for (const [pattern, where] of ONLY_IN) {
    if (pattern.test(text) && !where.test(path)) found.push(`${path} uses ${pattern.source}`);
  }
  return found;
}

function sourceFiles(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('kernels/assembly'))
    .map((name) => join('src', name));
}

describe('architecture', () => {
  it('imports point down and the outside world stays in party', () => {
    const files = sourceFiles();
    ok(files.includes('src/protocols/channel.ts'), 'the scan found the sources');
    const violations = files.flatMap((path) =>
      violationsOf(relative('.', path), readFileSync(path, 'utf8')),
    );
    deepEqual(violations, []);
  });

  it('would notice a violation of each kind', () => {
    const cases: [string, string][] = [
      ['src/protocols/ot/x.ts', "import { a } from '../../party/node.ts';"],
      ['src/kernels/x.ts', "import { a } from '../protocols/errors.ts';"],
      ['src/ml/linear/x.ts', "import { a } from '../../protocols/channel.ts';"],
      ['src/protocols/x.ts', "import { readFileSync } from 'node:fs';"],
      ['src/ml/vertical/x.ts', 'const t = Date.now();'],
      ['src/party/x.ts', 'const r = Math.random();'],
      ['src/drawer/x.ts', ''],
    ];
    for (const [path, text] of cases) ok(violationsOf(path, text).length > 0, path);
  });
});
