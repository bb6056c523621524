import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import * as tls from 'node:tls';
import { Refusal } from '../../../proto/gen/control.ts';
import { selfSignedCertificate } from '../../../src/party/certificate.ts';
import { SessionError, type SessionErrorCode } from '../../../src/party/errors.ts';
import { createIdentity, Identity } from '../../../src/party/identity.ts';
import { peerBook } from '../../../src/party/peers.ts';
import { type Node, recordOf, startNode, startNodes, stopNodes } from '../../support/transports.ts';

const ECHO = { name: 'test/echo', request: Refusal, response: Refusal };

/** The call fails with this code, for a reason that says so. */
async function fails(
  call: Promise<unknown>,
  code: SessionErrorCode,
  reason: RegExp,
): Promise<void> {
  await rejects(call, (error) => {
    equal((error as SessionError).code, code);
    match((error as Error).message, reason);
    return error instanceof SessionError;
  });
}

describe('mutual TLS with pinned certificates', () => {
  let nodes: Node[];
  let a: Node;
  let b: Node;
  let handled: string[];

  beforeEach(async () => {
    nodes = await startNodes(['orgA', 'orgB']);
    [a, b] = nodes as [Node, Node];
    handled = [];
    for (const { transport } of nodes) {
      transport.handle(ECHO, async (from, request) => {
        handled.push(from.name);
        return request;
      });
    }
  });

  afterEach(() => stopNodes(nodes));

  const call = (from: Node, to: string): Promise<unknown> =>
    from.transport.call(to, ECHO, { code: '', reason: '' });

  it('lets pinned peers through', async () => {
    await call(a, 'orgB');
    deepEqual(handled, ['orgA']);
    deepEqual(b.refusals, []);
  });

  it('says whether it listens', async () => {
    equal(a.transport.isListening, true);
    await a.transport.stop();
    equal(a.transport.isListening, false);
  });

  it('reaches a peer under any address', async () => {
    const port = Number(b.record.address.split(':')[1]);
    a.transport.setPeers(peerBook([recordOf(b.identity, port, 'localhost')]));
    await call(a, 'orgB');
    deepEqual(handled, ['orgA']);
  });

  it('calls no peer that is not pinned', () => fails(call(a, 'orgC'), 'UNKNOWN_PEER', /orgC/));

  it('refuses a caller whose certificate is not pinned', async () => {
    const stranger = await startNode('orgC', { peers: peerBook([b.record]) });
    nodes.push(stranger);
    await fails(call(stranger, 'orgB'), 'NOT_ACCEPTED', /orgB .*does not accept this node/);
    deepEqual(handled, []);
    equal(b.refusals[0]!.code, 'UNKNOWN_PEER');
    match(
      b.refusals[0]!.reason,
      new RegExp(`orgC .*${stranger.identity.fingerprint}.* not pinned`),
    );
  });

  it('refuses a caller with a pinned name and another key', async () => {
    const impostor = await startNode('orgA', { peers: peerBook([b.record]) });
    nodes.push(impostor);
    await fails(call(impostor, 'orgB'), 'NOT_ACCEPTED', /orgB .*does not accept this node/);
    deepEqual(handled, []);
    equal(b.refusals[0]!.code, 'WRONG_KEY');
    match(b.refusals[0]!.reason, new RegExp(`orgA .*pinned is ${a.identity.fingerprint}`));
  });

  it('refuses a caller without a certificate', async () => {
    const [host, port] = b.record.address.split(':');
    const socket = tls.connect({
      host: host!,
      port: Number(port),
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    socket.on('error', () => {});
    await once(socket, 'close');
    equal(b.refusals[0]!.code, 'UNKNOWN_PEER');
  });

  it('speaks no TLS below 1.3', async () => {
    const [host, port] = b.record.address.split(':');
    const socket = tls.connect({
      host: host!,
      port: Number(port),
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
      key: a.identity.privateKeyPem(),
      cert: a.identity.certificatePem,
    });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  it('refuses a server whose certificate is not pinned', async () => {
    const stranger = await startNode('orgC', { peers: peerBook([a.record]) });
    nodes.push(stranger);
    a.transport.setPeers(peerBook([{ ...b.record, address: stranger.record.address }]));
    await fails(call(a, 'orgB'), 'UNKNOWN_PEER', /orgB at .*orgC .*not pinned/);
  });

  it('refuses a server with the right name and another key', async () => {
    const impostor = await startNode('orgB', { peers: peerBook([a.record]) });
    nodes.push(impostor);
    a.transport.setPeers(peerBook([{ ...b.record, address: impostor.record.address }]));
    await fails(call(a, 'orgB'), 'WRONG_KEY', new RegExp(`pinned is ${b.identity.fingerprint}`));
  });

  it('refuses a new certificate of a pinned key until it is pinned', async () => {
    const key = createPrivateKey(a.identity.privateKeyPem());
    const renewed = new Identity(key, await selfSignedCertificate('orgA', key));
    const node = await startNode('orgA', { identity: renewed, peers: peerBook([b.record]) });
    nodes.push(node);
    await fails(call(node, 'orgB'), 'NOT_ACCEPTED', /orgB/);
    match(b.refusals[0]!.reason, /key of orgA with another certificate/);
    b.transport.setPeers(peerBook([node.record]));
    await call(node, 'orgB');
    deepEqual(handled, ['orgA']);
  });

  it('refuses a peer from the moment it is unpinned, on open connections too', async () => {
    await call(a, 'orgB');
    b.transport.setPeers(peerBook([]));
    await rejects(call(a, 'orgB'), SessionError);
    deepEqual(handled, ['orgA']);
  });

  it('says when nobody answers', async () => {
    await b.transport.stop();
    await fails(call(a, 'orgB'), 'UNREACHABLE', /orgB at 127\.0\.0\.1.*ECONNREFUSED/);
  });

  it('says when what answers is no node', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    a.transport.setPeers(peerBook([recordOf(b.identity, port)]));
    await fails(call(a, 'orgB'), 'UNREACHABLE', /orgB at/);
    server.close();
  });

  it('is no lock on the address', async () => {
    const other = await createIdentity('orgZ');
    const port = Number(b.record.address.split(':')[1]);
    await rejects(startNode('orgZ', { identity: other, port }), { code: 'EADDRINUSE' });
  });
});
