// Installs the locked dependencies unless node_modules holds them already, so that `npm test` and
// `npm run demo` work as the first command in a fresh clone.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

if (!areSame(packagesOf('package-lock.json'), installedPackages())) {
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

/** What npm noted when it had installed everything; nothing where it has not. */
function installedPackages() {
  try {
    return packagesOf('node_modules/.package-lock.json');
  } catch {
    return {};
  }
}

/** By their place; without the project itself, which only its own lock file has. */
function packagesOf(lockFile) {
  const { '': _, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  return packages;
}

/** Optional packages may be lacking: they are for other platforms. */
function areSame(locked, installed) {
  return (
    Object.keys(installed).every((path) => path in locked) &&
    Object.entries(locked).every(([path, { version, integrity, optional }]) => {
      const found = installed[path];
      return found ? found.version === version && found.integrity === integrity : optional;
    })
  );
}
