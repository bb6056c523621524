/**
 * Appends to the audit log of a folder until it is killed, and tells what was acknowledged.
 *
 * Arguments: folder, seed. Entry i is `entry i`, some about the task `a`. Lines on standard output, each
 * written before anything else is appended: `appended SIZE`, `checkpoint SIZE ROOT`.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog } from '../../src/party/audit/audit-log.ts';
import { noteSigner } from '../../src/party/audit/note-key.ts';
import { Store } from '../../src/party/store.ts';
import { seededRng } from './seeded-rng.ts';

const [, , folder, seed] = process.argv;
const store = await Store.open(join(folder!, 'store'));
const privateKey = createPrivateKey(readFileSync(join(folder!, 'key.pem')));
const key = { origin: 'log', checkpoints: noteSigner('log', privateKey) };
const log = await AuditLog.open({ folder: join(folder!, 'audit') }, { store, key });
const rng = seededRng(Number(seed));

let next = log.size;
for (;;) {
  const calls = Array.from({ length: 1 + (rng(1)[0]! % 5) }, async () => {
    const entries = Array.from({ length: rng(1)[0]! % 60 }, () => {
      const index = next++;
      return { task: index % 3 === 0 ? 'a' : null, bytes: Buffer.from(`entry ${index}`) };
    });
    const indices = await log.append(entries);
    if (indices.length > 0) writeSync(1, `appended ${indices.at(-1)! + 1}\n`);
  });
  if (rng(1)[0]! < 100) {
    const { size, root } = await log.checkpoint();
    writeSync(1, `checkpoint ${size} ${Buffer.from(root).toString('hex')}\n`);
  }
  await Promise.all(calls);
}
