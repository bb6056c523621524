/** The other side of `parties.ts`: one party, in a process of its own. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createIdentity } from '../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../src/party/peers.ts';
import { memoryAttempts } from '../src/party/transport/attempts.ts';
import type { Session } from '../src/party/transport/session.ts';
import { Transport } from '../src/party/transport/transport.ts';

export type PartyCommand =
  | { readonly do: 'listen'; readonly name: string }
  | { readonly do: 'run'; readonly peers: readonly PeerRecord[]; readonly job: unknown };

export type PartyAnswer = { readonly value: unknown } | { readonly error: string };

/** What a party reports of its job. */
export interface PartyOutcome<Result> {
  readonly result: Result;
  /** Payload bytes of the sessions, as their receipts count them. */
  readonly bytesSent: number;
  readonly peakRssMb: number;
}

/** Waits for another party, the only one unless named; from then on both run at the same time. */
export type Connect = (peer?: string) => Promise<Session>;

/** A party's part of a measurement. What needs no peer comes before `connect`. */
export type PartyWork<Job, Result> = (job: Job, connect: Connect) => Promise<Result>;

/** Above what either party prepares before it connects. */
const CONNECT_TIMEOUT_MS = 600_000;

/** Serves the commands of `runParties` if this process was made to run `module`; else does nothing. */
export function serveParty<Job, Result>(module: string, work: PartyWork<Job, Result>): void {
  if (!process.send || process.argv[1] !== fileURLToPath(module)) return;
  process.once('disconnect', () => process.exit(1)); // the parent has gone
  let transport: Transport;
  const handle = async (command: PartyCommand): Promise<unknown> => {
    if (command.do === 'listen') {
      const listening = await listen(command.name);
      transport = listening.transport;
      return listening.record;
    }
    return runJob(transport, command.peers, work, command.job as Job);
  };
  const answer = (message: PartyAnswer): void => {
    process.send?.(message);
  };
  process.on('message', (command: PartyCommand) => {
    handle(command).then(
      (value) => answer({ value }),
      (error: unknown) => answer({ error: error instanceof Error ? error.stack! : String(error) }),
    );
  });
}

async function listen(name: string): Promise<{ transport: Transport; record: PeerRecord }> {
  const identity = await createIdentity(name);
  const at = { host: '127.0.0.1', port: 0 };
  const transport = new Transport({ identity, ...at, attempts: memoryAttempts() });
  const port = await transport.start();
  const { certificatePem, fingerprint } = identity;
  const address = `${at.host}:${port}`;
  return { transport, record: { name, address, certificatePem, fingerprint } };
}

async function runJob<Job, Result>(
  transport: Transport,
  peers: readonly PeerRecord[],
  work: PartyWork<Job, Result>,
  job: Job,
): Promise<PartyOutcome<Result>> {
  transport.setPeers(peerBook(peers));
  const sessions: Session[] = [];
  const result = await work(job, async (peer = peers[0]!.name) => {
    const terms = {
      peer,
      taskId: new Uint8Array(32),
      certificateDigest: new Uint8Array(32),
      attempt: 1,
    };
    const session = await transport.openSession(terms, { timeoutMs: CONNECT_TIMEOUT_MS });
    sessions.push(session);
    return session;
  });
  await Promise.all(sessions.map((session) => session.close()));
  const bytesSent = sessions.reduce((sum, session) => sum + session.receipt().sent.bytes, 0);
  return { result, bytesSent, peakRssMb: peakRssMb() };
}

/**
 * Largest resident set of this process, in MB. From the kernel's mark where there is one: the figure of
 * `resourceUsage` starts at what the parent held when it made this process.
 */
export function peakRssMb(): number {
  const kilobytes = highWaterMark() ?? process.resourceUsage().maxRSS;
  return Math.round(kilobytes / 1024);
}

function highWaterMark(): number | undefined {
  try {
    const mark = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return mark === undefined ? undefined : Number(mark);
  } catch {
    return undefined; // not Linux
  }
}
