import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PeerRecord } from '../src/party/peers.ts';
import type { PartyAnswer, PartyCommand, PartyOutcome } from './party-process.ts';

/**
 * Runs a job at each of several processes that have sessions with each other over mutual TLS, and
 * returns what they report, in the order of the names.
 *
 * @param program - URL of the module that calls `serveParty`.
 */
export async function runParties<Job, Result>(
  program: string,
  names: readonly string[],
  jobs: readonly Job[],
): Promise<readonly PartyOutcome<Result>[]> {
  const parties = names.map(() => fork(fileURLToPath(program), { serialization: 'advanced' }));
  const listening = parties.map((party, i) =>
    ask<PeerRecord>(party, { do: 'listen', name: names[i]! }),
  );
  try {
    const records = await Promise.all(listening);
    const outcomes = parties.map((party, i) => {
      const peers = records.filter((_, j) => j !== i);
      return ask<PartyOutcome<Result>>(party, { do: 'run', peers, job: jobs[i] });
    });
    return await Promise.all(outcomes);
  } finally {
    await Promise.all(parties.map(end));
  }
}
/** The party's answer. Throws what went wrong there, or that it ended without a word. */
async function ask<T>(party: ChildProcess, command: PartyCommand): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  const gone = async (): Promise<never> => {
    const [code, by] = (await once(party, 'exit', { signal })) as [number | null, string | null];
    throw new Error(`a party ended early: ${by ?? `exit code ${code}`}`);
  };
  try {
    const answered = once(party, 'message', { signal });
    party.send(command);
    const [answer] = (await Promise.race([answered, gone()])) as [PartyAnswer];
    if ('error' in answer) throw new Error(`a party failed: ${answer.error}`);
    return answer.value as T;
  } finally {
    over.abort();
  }
}

/** Ends a party, however it is occupied. */
async function end(party: ChildProcess): Promise<void> {
  if (party.exitCode !== null || party.signalCode !== null) return;
  const exited = once(party, 'exit');
  party.kill('SIGKILL');
  await exited;
}
