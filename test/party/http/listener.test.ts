import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { once } from 'node:events';
import { get, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { tlsServerName } from '../../../src/party/certificate.ts';
import { createListener } from '../../../src/party/http/listener.ts';
import { createIdentity } from '../../../src/party/identity.ts';

describe('http listener', () => {
  it('speaks TLS with the certificate it is given', async () => {
    const identity = await createIdentity('orgA');
    const certificatePem = identity.certificatePem;
    const tls = { certificatePem, privateKeyPem: identity.privateKeyPem() };
    const listener = createListener({ host: '0.0.0.0', tls }, (_, response) => response.end('hi'));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const options = { port, host: '127.0.0.1', servername: tlsServerName('orgA'), agent: false };
    const read = async (more: RequestOptions): Promise<string> => {
      const [response] = await once(get({ ...options, ...more }), 'response');
      return text(response);
    };
    equal(await read({ ca: certificatePem }), 'hi');
    const codes: string[] = [];
    for (const refused of [{}, { ca: certificatePem, maxVersion: 'TLSv1.1' as const }]) {
      await read(refused).catch((error: unknown) => codes.push((error as { code: string }).code));
    }
    equal(codes.length, 2, 'an unknown certificate and an old protocol are refused');
    listener.close();
    await once(listener, 'close');
  });

  it('serves plain HTTP on loopback only, unless told that a proxy is in front', () => {
    const handle = (): void => undefined;
    for (const host of ['127.0.0.1', '::1', 'localhost']) ok(createListener({ host }, handle));
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.example.org']) {
      throws(() => createListener({ host }, handle), RangeError, host);
      ok(createListener({ host, allowPlaintext: true }, handle));
    }
  });

  it('bounds how long a request may take to arrive', () => {
    const { requestTimeout, headersTimeout } = createListener({ host: '::1' }, () => undefined);
    deepEqual([requestTimeout > 0, headersTimeout > 0], [true, true]);
  });
});
