import { deepEqual, ok } from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leakageTable } from '../src/party/tasks/leakage-table.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

/** Files below folders whose names end like this. */
function filesBelow(folders: readonly string[], ending: string): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith(ending))
      .map((path) => join(folder, path)),
  );
}

const DOCUMENTS = [
  ...readdirSync('.').filter((path) => path.endsWith('.md')),
  ...filesBelow(['src', 'bench', 'deploy', 'examples'], '.md'),
];

/** What stands between single back quotes. */
const quotedIn = (text: string): string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, quoted]) => quoted!);

describe('documents', () => {
  it('name files and folders that are there', () => {
    const paths = DOCUMENTS.flatMap((document) =>
      quotedIn(read(document))
        .filter((quoted) =>
          /^(src|test|bench|deploy|examples|proto|scripts)\/[\w./-]+$/.test(quoted),
        )
        .filter((path) => !path.includes('...'))
        .map((path) => [document, path] as const),
    );
    ok(paths.length > 50, `${paths.length} paths`);
    deepEqual(
      paths.filter(([, path]) => !existsSync(path) && !existsSync(`${path}.ts`)),
      [],
    );
  });

  it('of audits name tests that are there', () => {
    const tests = filesBelow(['test'], '.ts');
    const titles = tests.map(read).join('\n').replaceAll("\\'", "'");
    const notes = DOCUMENTS.filter((path) => path.endsWith('AUDIT.md')).flatMap((audit) =>
      read(audit)
        .split('\n')
        .filter((line) => line.startsWith('- Tests to keep:'))
        .flatMap(quotedIn)
        .map((name) => [audit, name] as const),
    );
    ok(notes.length > 100, `${notes.length} tests`);
    const isThere = (name: string): boolean =>
      name.endsWith('.test.ts')
        ? tests.some((path) => path.endsWith(`/${name}`))
        : name.split('...').every((part) => titles.includes(part.trim()));
    deepEqual(
      notes.filter(([, name]) => !isThere(name)),
      [],
    );
  });

  it('of protocols have the source of every citation', () => {
    const rows = read('src/protocols/README.md');
    const files = filesBelow(['src/protocols', 'src/kernels', 'proto'], '.ts')
      .concat(filesBelow(['proto'], '.proto'), filesBelow(['src/protocols'], 'AUDIT.md'))
      .filter((path) => !path.startsWith(join('proto', 'gen')));
    const cited = files.flatMap((path) =>
      [...read(path).matchAll(/\[[A-Z][A-Za-z+]*\d{2}\]|\[RFC\d{4}\]/g)].map(
        ([key]) => [path, key] as const,
      ),
    );
    ok(cited.length > 50, `${cited.length} citations`);
    deepEqual(
      cited.filter(([, key]) => !rows.includes(`| ${key} |`)),
      [],
    );
  });

  it('of the README tell what contracts say that tasks reveal', () => {
    ok(read('README.md').includes(`generated -->\n\n${leakageTable()}\n<!-- end -->`));
  });
});
