import { equal, throws } from 'node:assert/strict';
import {
  requireNoPeer,
  requirePeer,
  withoutPeer,
  withPeer,
} from '../../../src/party/cli/config-edit.ts';
import { sampleConfig } from '../../../src/party/config-sample.ts';

const PEER = {
  name: 'orgB',
  address: 'b.example:7400',
  certificate: 'peers/orgB.crt',
  fingerprint: 'ab'.repeat(32),
};
const TEXT = sampleConfig({ name: 'orgA' });

describe('configuration edit', () => {
  it('adds and removes a peer, and leaves the rest as it was', () => {
    const added = withPeer(TEXT, PEER);
    const second = withPeer(added, { ...PEER, name: 'orgC', fingerprint: 'cd'.repeat(32) });
    const edited = { path: 'entente.yaml', env: {} };
    requirePeer(second, 'orgB', edited);
    requirePeer(second, 'orgC', edited);
    equal(withoutPeer(second, 'orgC'), added);
    equal(withoutPeer(added, 'orgB'), TEXT);
    equal(withoutPeer(TEXT, 'orgB'), TEXT);
    requireNoPeer(TEXT, 'orgB', edited);
  });

  it('adds to a configuration that has no peers yet', () => {
    requirePeer(withPeer('name: orgA\n', PEER), 'orgB', { path: 'x', env: {} });
    equal(withoutPeer('name: orgA\n', 'orgB'), 'name: orgA\n');
  });

  it('notices that the environment decides', () => {
    const hides = { path: 'entente.yaml', env: { ENTENTE_PEERS: '[]' } };
    throws(() => requirePeer(withPeer(TEXT, PEER), 'orgB', hides), {
      message: /the environment overrides/,
      hint: /ENTENTE_PEERS/,
    });
    const shows = { path: 'entente.yaml', env: { ENTENTE_PEERS: JSON.stringify([PEER]) } };
    throws(() => requireNoPeer(TEXT, 'orgB', shows), {
      hint: /remove the peer from ENTENTE_PEERS/,
    });
  });

  it('names what is wrong with a configuration before it is written', () => {
    throws(() => requirePeer('name: 7\n', 'orgB', { path: 'e.yaml', env: {} }), {
      message: /name expected the organisation/,
      hint: /repair the configuration/,
    });
  });
});
