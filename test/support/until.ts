import { ok } from 'node:assert/strict';

/** Far above what anything waited for takes on a busy machine. */
const PATIENCE_MS = 10_000;

/** Resolves when the condition holds, which no event tells: looked at in each turn of the event loop. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds()) {
    ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise(setImmediate);
  }
}
