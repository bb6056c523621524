import { equal, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AuditLog } from '../../src/party/audit/audit-log.ts';
import { openCheckpoint } from '../../src/party/audit/checkpoint.ts';
import { Frontier, leafHash } from '../../src/party/audit/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../src/party/audit/merkle-proof.ts';
import { noteSigner, noteVerifier, rawPublicKey } from '../../src/party/audit/note-key.ts';
import { ED25519 } from '../../src/party/audit/signed-note.ts';
import { Store } from '../../src/party/store.ts';
import { seededRng } from './seeded-rng.ts';

const PROCESS = fileURLToPath(new URL('./audit-log-process.js', import.meta.url));

/** What a process told before it was killed. */
interface Told {
  /** Entries acknowledged. */
  readonly size: number;
  readonly checkpoints: readonly (readonly [size: number, root: Uint8Array])[];
}

/**
 * Kills a process that appends to the log in `folder`, `times` times at moments drawn from `seed`, and
 * checks after each that the log has everything it acknowledged and proves what it should.
 */
export async function crashRepeatedly(folder: string, times: number, seed: number): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(join(folder, 'key.pem'), pem, { mode: 0o600 });
  const rng = seededRng(seed);
  let told: Told = { size: 0, checkpoints: [] };
  for (let i = 0; i < times; i++) {
    const [lines, turns] = rng(2);
    told = await tellUntilKilled(
      folder,
      seed + i,
      { lines: lines! % 64, turns: turns! % 32 },
      told,
    );
    await checkLog(folder, told, `seed ${seed}, kill ${i}`);
  }
}

/** Kills the process so many lines and turns of the event loop after it began. */
async function tellUntilKilled(
  folder: string,
  seed: number,
  moment: { readonly lines: number; readonly turns: number },
  before: Told,
): Promise<Told> {
  const child = spawn(process.execPath, [PROCESS, folder, `${seed}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let { size } = before;
  const checkpoints = [...before.checkpoints];
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, number, root] = line.split(' ');
    // A line that the kill cut short acknowledges nothing.
    if (what === 'appended') size = Math.max(size, Number(number));
    if (what === 'checkpoint' && root?.length === 64) {
      checkpoints.push([Number(number), new Uint8Array(Buffer.from(root, 'hex'))]);
    }
    if (seen++ === moment.lines) {
      for (let turn = 0; turn < moment.turns; turn++) await new Promise(setImmediate);
      child.kill('SIGKILL');
    }
  }
  const [, signal] = (await exited) as [number | null, string | null];
  equal(signal, 'SIGKILL', 'the process ended by itself');
  return { size, checkpoints };
}

async function checkLog(folder: string, { size, checkpoints }: Told, when: string): Promise<void> {
  const privateKey = createPrivateKey(readFileSync(join(folder, 'key.pem')));
  const signer = noteSigner('log', privateKey);
  const publicKey = rawPublicKey(privateKey);
  const verifier = noteVerifier({ name: 'log', type: ED25519, publicKey });
  const store = await Store.open(join(folder, 'store'));
  try {
    const key = { origin: 'log', checkpoints: signer };
    const log = await AuditLog.open({ folder: join(folder, 'audit') }, { store, key });
    ok(log.size >= size, `${when}: ${log.size} entries of ${size} acknowledged`);
    const last = log.lastCheckpoint();
    ok((last?.size ?? 0) >= (checkpoints.at(-1)?.[0] ?? 0), `${when}: a checkpoint is lost`);

    const frontier = Frontier.empty();
    let index = 0;
    for await (const entry of log.entries(0, log.size)) {
      equal(Buffer.from(entry).toString(), `entry ${index}`, when);
      frontier.append(leafHash(entry));
      index += 1;
    }
    const { root } = log.head();
    equal(Buffer.compare(frontier.root(), root), 0, `${when}: root`);
    equal(await log.taskCount('a'), Math.ceil(log.size / 3), `${when}: entries of the task`);

    for (let i = 0; i < log.size; i += 1 + Math.floor(log.size / 50)) {
      const proof = await log.inclusionProof(i, log.size);
      const leaf = leafHash(Buffer.from(`entry ${i}`));
      ok(verifyInclusion(i, log.size, leaf, root, proof), `${when}: entry ${i}`);
    }
    for (const [earlier, earlierRoot] of checkpoints) {
      const proof = await log.consistencyProof(earlier, log.size);
      ok(verifyConsistency(earlier, log.size, earlierRoot, root, proof), `${when}: ${earlier}`);
    }
    const signed = await log.checkpoint();
    equal(openCheckpoint(signed.note, 'log', [verifier]).size, log.size, when);
    await log.close();
  } finally {
    await store.close();
  }
}
