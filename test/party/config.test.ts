import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rawPublicKey } from '../../src/party/audit/note-key.ts';
import { COSIGNATURE_V1, formatVerifierKey } from '../../src/party/audit/signed-note.ts';
import { ConfigError, loadConfig, parseConfig } from '../../src/party/config.ts';
import { sampleConfig } from '../../src/party/config-sample.ts';
import type { Environment } from '../../src/party/config-source.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const DEFAULTS = {
  name: 'clinic',
  dataDir: '/etc/e/state',
  identity: { dir: '/etc/e/identity', passphraseFile: null },
  listen: { grpc: { host: '0.0.0.0', port: 7400 }, http: { host: '127.0.0.1', port: 7480 } },
  peers: [],
  data: { roots: ['/etc/e/data'], threads: 2, memoryLimit: '1GB' },
  policyFile: '/etc/e/policy.yaml',
  resultDir: '/etc/e/results',
  log: { level: 'info', pretty: false },
  http: {
    auth: 'token',
    tls: null,
    allowPlaintext: false,
    syncTimeoutSec: 900,
    bodyLimitBytes: 1 << 20,
    callsPerMinute: 600,
  },
  tasks: {
    peerTimeoutSec: 120,
    contractLifetimeSec: 3600,
    concurrent: 2,
    timeoutSec: 86_400,
    memoryLimitBytes: 2 ** 32,
    spillBytes: 2 ** 29,
  },
  audit: { witnesses: [] },
  psi: { workers: 2 },
};

const WHERE = { name: 'node.yaml', dir: '/etc/e' };

function problems(text: string, env: Environment = {}): readonly string[] {
  try {
    parseConfig(text, env, WHERE);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('needs a name, and has defaults for the rest', () => {
    deepEqual(parseConfig('name: clinic', {}, WHERE), DEFAULTS);
    deepEqual(parseConfig('', { ENTENTE_NAME: 'clinic' }, WHERE), DEFAULTS);
  });

  it('is what the sample says, which shows every key with its default', () => {
    const text = sampleConfig({ name: 'clinic' });
    deepEqual(parseConfig(text, {}, WHERE), DEFAULTS);
    // With its commented lines switched on it is right as well, but for the placeholder.
    const all = text
      .replace('peers: []\n', '')
      .replace(
        /^( *)# (peers:| {2}- name| {4}address| {4}cert| {4}finger|passphraseFile|certificateFile|keyFile)/gm,
        '$1$2',
      )
      .replace(/64 hex.*/, 'ab'.repeat(32));
    const { peers, identity, http } = parseConfig(all, {}, WHERE);
    deepEqual(http.tls, { certificateFile: '/etc/e/http.crt', keyFile: '/etc/e/http.key' });
    equal(identity.passphraseFile, '/etc/e/identity/passphrase');
    deepEqual(peers, [
      {
        name: 'bank',
        address: 'node.bank.example:7400',
        certificate: '/etc/e/peers/bank.crt',
        fingerprint: 'ab'.repeat(32),
      },
    ]);
  });

  it('takes every value from the environment before the file', () => {
    const env = {
      ENTENTE_CONFIG: 'elsewhere.yaml',
      ENTENTE_URL: 'http://node.example',
      ENTENTE_TOKEN: 'entente_x',
      ENTENTE_NAME: 'lab',
      ENTENTE_DATA_DIR: '/s',
      ENTENTE_IDENTITY_DIR: 'i',
      ENTENTE_IDENTITY_PASSPHRASE_FILE: 'p',
      ENTENTE_LISTEN_GRPC: '[::1]:1',
      ENTENTE_LISTEN_HTTP: 'localhost:0',
      ENTENTE_PEERS: '[{name: bank, address: "b:1", certificate: b.crt}]',
      ENTENTE_DATA_ROOTS: '/a, b',
      ENTENTE_DATA_THREADS: '8',
      ENTENTE_DATA_MEMORY_LIMIT: '512mb',
      ENTENTE_POLICY_FILE: 'q.yaml',
      ENTENTE_RESULT_DIR: 'r',
      ENTENTE_LOG_LEVEL: 'debug',
      ENTENTE_LOG_PRETTY: 'true',
      ENTENTE_HTTP_AUTH: 'off',
      ENTENTE_HTTP_CERTIFICATE_FILE: 'h.crt',
      ENTENTE_HTTP_KEY_FILE: '/h.key',
      ENTENTE_HTTP_ALLOW_PLAINTEXT: 'true',
      ENTENTE_HTTP_SYNC_TIMEOUT_SEC: '5',
      ENTENTE_HTTP_BODY_LIMIT: '2048',
      ENTENTE_HTTP_CALLS_PER_MINUTE: '60',
      ENTENTE_TASKS_PEER_TIMEOUT_SEC: '60',
      ENTENTE_TASKS_CONTRACT_LIFETIME_SEC: '600',
      ENTENTE_TASKS_CONCURRENT: '4',
      ENTENTE_TASKS_TIMEOUT_SEC: '3600',
      ENTENTE_TASKS_MEMORY_LIMIT: '1GiB',
      ENTENTE_TASKS_SPILL_BYTES: '0',
      ENTENTE_PSI_WORKERS: '4',
      PATH: '/bin',
    };
    const expected = {
      name: 'lab',
      dataDir: '/s',
      identity: { dir: '/etc/e/i', passphraseFile: '/etc/e/p' },
      listen: { grpc: { host: '::1', port: 1 }, http: { host: 'localhost', port: 0 } },
      peers: [{ name: 'bank', address: 'b:1', certificate: '/etc/e/b.crt', fingerprint: null }],
      data: { roots: ['/a', '/etc/e/b'], threads: 8, memoryLimit: '512MB' },
      policyFile: '/etc/e/q.yaml',
      resultDir: '/etc/e/r',
      log: { level: 'debug', pretty: true },
      http: {
        auth: 'off',
        tls: { certificateFile: '/etc/e/h.crt', keyFile: '/h.key' },
        allowPlaintext: true,
        syncTimeoutSec: 5,
        bodyLimitBytes: 2048,
        callsPerMinute: 60,
      },
      tasks: {
        peerTimeoutSec: 60,
        contractLifetimeSec: 600,
        concurrent: 4,
        timeoutSec: 3600,
        memoryLimitBytes: 2 ** 30,
        spillBytes: 0,
      },
      audit: { witnesses: [] },
      psi: { workers: 4 },
    };
    deepEqual(parseConfig(sampleConfig({ name: 'clinic' }), env, WHERE), expected);
    deepEqual(parseConfig('name: clinic', { ENTENTE_LOG_LEVEL: '' }, WHERE), DEFAULTS);
  });

  it('reports every problem at once, with its place and what to do', () => {
    const text = `name: -clinic
listen:
  grpc: here
data: {roots: [], threads: 0, memoryLimit: 1TB}
log: {level: loud, pretty: yes}
http:
  auth: none
  sync_timeout: 3
peers:
  - {name: bank, address: "bank:0", certificate: 7, finger: x}
colour: red
`;
    const found = problems(text, { ENTENTE_PSI_WORKERS: 'many', ENTENTE_DATA_THREAD: '3' });
    const expected = [
      'node.yaml:3: listen.grpc expected host:port',
      'node.yaml:1: name expected the organisation',
      'node.yaml:10: peers[0].address expected host:port',
      'node.yaml:10: peers[0].certificate expected a path',
      'node.yaml:10: peers[0].finger is not a known key',
      'node.yaml:4: data.roots expected a list of at least one path',
      'node.yaml:4: data.threads expected a whole number from 1 to 256',
      'node.yaml:4: data.memoryLimit expected a size of at least 64MB',
      'node.yaml:5: log.level expected one of trace',
      'node.yaml:5: log.pretty expected true or false',
      'node.yaml:7: http.auth expected one of token, off',
      'ENTENTE_PSI_WORKERS: psi.workers expected a whole number from 1 to 64',
      'node.yaml:8: http.sync_timeout is not a known key',
      'node.yaml:11: colour is not a known key',
      'ENTENTE_DATA_THREAD: no key has this variable',
    ];
    equal(found.length, expected.length, found.join('\n'));
    for (const start of expected) {
      equal(
        found.some((problem) => problem.startsWith(start)),
        true,
        `${start}\n${found.join('\n')}`,
      );
    }
  });

  const WITNESS = 'regulator.example+3a8a7ee1+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g';
  it('knows witnesses by keys that can verify', () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const raw = rawPublicKey(publicKey);
    const key = formatVerifierKey({
      name: 'regulator.example',
      type: COSIGNATURE_V1,
      publicKey: raw,
    });
    const text = (name: string, of: string): string =>
      `{name: a, audit: {witnesses: [{name: ${name}, key: "${of}"}]}}`;
    const { witnesses } = parseConfig(text('regulator', key), {}).audit;
    deepEqual(witnesses, [{ name: 'regulator', key }]);
    const variable = { ENTENTE_AUDIT_WITNESSES: JSON.stringify(witnesses) };
    deepEqual(parseConfig('{name: a}', variable).audit.witnesses, witnesses);
    for (const wrong of [
      text('regulator', WITNESS),
      text('regulator', 'none'),
      text('"a b"', key),
    ]) {
      match(problems(wrong)[0]!, /audit\.witnesses expected a list of witnesses/);
    }
    match(problems(text('A', key))[0]!, /audit\.witnesses\[0\]\.name: is the name of this node/);
  });

  it('refuses what cannot go together', () => {
    const cases: [string, RegExp][] = [
      [
        '{name: a, http: {auth: off}, listen: {http: "0.0.0.0:80"}}',
        /^http\.auth: off is possible only/,
      ],
      ['{name: a, listen: {http: "[::1]:80", grpc: "[::1]:80"}}', /^listen\.http: is the address/],
      ['{name: a, listen: {http: "0.0.0.0:80"}}', /^listen\.http: tokens would travel unencr/],
      ['{name: a, http: {keyFile: k}}', /^http: certificateFile and keyFile belong together/],
      [
        '{name: a, peers: [{name: A, address: "h:1", certificate: c}]}',
        /^peers\[0\]\.name: is the name of this/,
      ],
      [
        '{name: a, peers: [{name: b, address: "h:1", certificate: c}, {name: B, address: "h:2", certificate: d}]}',
        /^peers\[1\]\.name: is the name of another/,
      ],
    ];
    for (const [text, problem] of cases) {
      const found = problems(text);
      equal(found.length, 1, text);
      match(found[0]!, problem);
    }
    for (const text of [
      '{name: a, http: {auth: off}, listen: {http: "[::1]:80"}}',
      '{name: a, http: {allowPlaintext: true}, listen: {http: "0.0.0.0:80"}}',
      '{name: a, http: {certificateFile: c, keyFile: k}, listen: {http: "0.0.0.0:80"}}',
    ]) {
      deepEqual(problems(text), [], text);
    }
  });

  it('refuses text that is no configuration', () => {
    for (const text of [
      '[]',
      'word',
      'name: a\nname: b',
      'name: [',
      'data: 3\nname: a',
      'listen: [1]\nname: a',
    ]) {
      equal(problems(text).length > 0, true, text);
    }
    deepEqual(problems('name: a\ndata:\nlisten:\n  # grpc\n'), []);
    throws(() => parseConfig('', {}), {
      name: 'ConfigError',
      message: /name is missing: expected the org/,
    });
  });

  it('checks that the files it names exist', async () => {
    const folder = scratch.path;
    scratch.write(
      'node.yaml',
      'name: clinic\npeers: [{name: bank, address: "b:1", certificate: b.crt}]',
    );
    const file = join(folder, 'node.yaml');
    await rejects(loadConfig(file, {}), (error: ConfigError) => {
      deepEqual(error.problems, [
        `policyFile: ${folder}/policy.yaml cannot be read`,
        `peers[0].certificate: ${folder}/b.crt cannot be read`,
        `data.roots: ${folder}/data is not a folder; create it`,
      ]);
      return true;
    });
    scratch.write('policy.yaml', '');
    scratch.write('b.crt', '');
    mkdirSync(join(folder, 'data'));
    equal((await loadConfig(file, {})).policyFile, join(folder, 'policy.yaml'));
    await rejects(
      loadConfig(join(folder, 'none.yaml'), {}),
      /cannot be read; `entente init` writes one/,
    );
    mkdirSync(join(folder, 'odd[1]'));
    await rejects(loadConfig(file, { ENTENTE_DATA_ROOTS: 'odd[1]' }), /rename it/);
  });

  const scratch = scratchFolder();
});
