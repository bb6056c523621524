import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The layers whose code decides what a joint computation does. */
const LAYERS = ['kernels', 'ml', 'party/tasks/programs', 'protocols'] as const;

/** Where this program's compiled code is. */
const CODE = fileURLToPath(new URL('..', import.meta.url));

/**
 * SHA-256 over the compiled code of the layers that compute jointly, hex: names and contents in the
 * order of the names. Parties whose digests differ run different protocols and must not agree.
 */
export async function implementationDigest(root: string = CODE): Promise<string> {
  const hash = createHash('sha256');
  for (const layer of LAYERS) {
    const names = await readdir(join(root, layer), { recursive: true });
    const code = names.filter((name) => name.endsWith('.js') || name.endsWith('.wasm'));
    for (const name of code.map((each) => each.replaceAll('\\', '/')).sort()) {
      const content = createHash('sha256')
        .update(await readFile(join(root, layer, name)))
        .digest('hex');
      hash.update(`${layer}/${name}\0${content}\n`);
    }
  }
  return hash.digest('hex');
}

/** The program's version, as its package says. */
export async function programVersion(): Promise<string> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
