/** Opens a session, stops both nodes in the middle of it, and leaves the process to end by itself. */
import { rawType } from '../contract/channel-suite.ts';
import { openPair, startNodes, stopNodes, termsOf } from './transports.ts';

/** Far above what stopping takes: a process still alive then is one that something holds. */
const STUCK_MS = 20_000;

const Raw = rawType('entente.test.Raw');
const nodes = await startNodes(['orgA', 'orgB']);
const [session, other] = await openPair(nodes[0]!, nodes[1]!, termsOf(1));
const pending = Promise.allSettled([session.channel.receive(Raw), other.channel.receive(Raw)]);
void session.channel.send(Raw, new Uint8Array(32 << 20)).catch(() => {});
await stopNodes(nodes);
const outcomes = await pending;
if (outcomes[0]!.status !== 'rejected') process.exitCode = 1;
setTimeout(() => process.exit(2), STUCK_MS).unref();
process.disconnect?.();
