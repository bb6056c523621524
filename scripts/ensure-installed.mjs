// Installs the locked dependencies when node_modules is missing or older than the lock file, so that
// `npm test` and `npm run demo` work as the first command in a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
const locked = 'package-lock.json';
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(locked).mtimeMs) {
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
