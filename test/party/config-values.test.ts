import { deepEqual, equal } from 'node:assert/strict';
import {
  address,
  byteSize,
  fingerprint,
  hostPort,
  memorySize,
  oneOf,
  path,
  paths,
  wholeNumber,
} from '../../src/party/config-values.ts';

describe('configuration values', () => {
  it('reads addresses with and without a port to dial', () => {
    deepEqual(hostPort.read('[::1]:80'), { host: '::1', port: 80 });
    deepEqual(hostPort.read('a-b.example:0'), { host: 'a-b.example', port: 0 });
    for (const bad of ['host', ':80', '::1:80', 'h:65536', 'h:1:2', 'h h:1', 80, null]) {
      equal(hostPort.read(bad), undefined, String(bad));
    }
    equal(address.read('h:1'), 'h:1');
    equal(address.read('h:0'), undefined);
  });

  it('reads sizes at their bounds', () => {
    const size = byteSize(1024, 2048);
    deepEqual([1023, 1024, '1KiB', '2 kib', 2049, '1MB', -1, '1.5KiB'].map(size.read), [
      undefined,
      1024,
      1024,
      2048,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    deepEqual(['64MB', '63MB', '1.5gb', '0.01GB', '1TB', 1000].map(memorySize.read), [
      '64MB',
      undefined,
      '1.5GB',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('reads whole numbers, names, paths and fingerprints', () => {
    const number = wholeNumber(1, 3);
    deepEqual([0, 1, 3, 4, 1.5, '2', NaN].map(number.read), [
      undefined,
      1,
      3,
      ...Array(4).fill(undefined),
    ]);
    equal(oneOf('token', 'off').read(false), 'off');
    equal(oneOf('a', 'b').read('c'), undefined);
    deepEqual(['', ' ', 'a\0', 'a'].map(path.read), [undefined, undefined, undefined, 'a']);
    deepEqual([[], ['a', ''], ['a']].map(paths.read), [undefined, undefined, ['a']]);
    equal(fingerprint.read('AB:'.repeat(32).slice(0, -1)), 'ab'.repeat(32));
    equal(fingerprint.read('ab'), undefined);
  });
});
