/**
 * Opens a session, breaks it, stops both nodes while they dial again, and leaves the process to end by
 * itself.
 */
import { rawType } from '../contract/channel-suite.ts';
import { openPair, startProxied, termsOf } from './transports.ts';

/** Far above what stopping takes: a process still alive then is one that something holds. */
const STUCK_MS = 20_000;

const Raw = rawType('entente.test.Raw');
const far = await startProxied();
const [session, other] = await openPair(...far.nodes, termsOf(1));
const pending = Promise.allSettled([session.channel.receive(Raw), other.channel.receive(Raw)]);
void session.channel.send(Raw, new Uint8Array(32 << 20)).catch(() => {});
const dialled = far.proxies[0].accepted + 2;
for (const proxy of far.proxies) {
  proxy.refuse(true);
  proxy.cut();
}
while (far.proxies[0].accepted < dialled) await new Promise(setImmediate);
await far.stop();
const outcomes = await pending;
if (outcomes[0]!.status !== 'rejected') process.exitCode = 1;
setTimeout(() => process.exit(2), STUCK_MS).unref();
process.disconnect?.();
