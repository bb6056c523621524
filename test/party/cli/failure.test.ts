import { deepEqual, equal } from 'node:assert/strict';
import { CliError, usageError } from '../../../src/party/cli/command.ts';
import { failureOf, failureText } from '../../../src/party/cli/failure.ts';
import { ConfigError } from '../../../src/party/config.ts';
import { DatasetError } from '../../../src/party/datasets/dataset-error.ts';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { StoreError } from '../../../src/party/store.ts';
import { NodeRequestError } from '../../../src/sdk/node-client.ts';

describe('failure', () => {
  it('gives every error a code, an exit code and what to do next', () => {
    const errno = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });
    const cases: [unknown, code: string, exit: number, hint: RegExp][] = [
      [new CliError('m', 'do this'), 'FAILED', 1, /^do this$/],
      [usageError('m', 'do that'), 'USAGE', 2, /^do that$/],
      [new NodeRequestError(0, 'm'), 'UNREACHABLE', 4, /entente node/],
      [new NodeRequestError(401, 'm'), 'FAILED', 1, /--token/],
      [new NodeRequestError(403, 'm'), 'FAILED', 1, /role/],
      [new NodeRequestError(404, 'm'), 'FAILED', 1, /task list/],
      [new NodeRequestError(429, 'm'), 'FAILED', 1, /wait a minute/],
      [new NodeRequestError(500, 'm'), 'FAILED', 1, /log/],
      [new ConfigError(['m']), 'FAILED', 1, /repair the configuration/],
      [new StoreError('LOCKED', 'm'), 'FAILED', 1, /running already/],
      [new StoreError('UNAVAILABLE', 'm'), 'FAILED', 1, /who may write/],
      [new DatasetError('missing_dataset', 'm'), 'FAILED', 1, /data\.roots/],
      [new ApiError('CONFLICT', 'm'), 'CONFLICT', 1, /data list/],
      [errno, 'FAILED', 1, /another process uses this address/],
      [new Error('m'), 'FAILED', 1, /report it/],
      ['m', 'FAILED', 1, /report it/],
    ];
    for (const [error, code, exit, hint] of cases) {
      const failure = failureOf(error);
      deepEqual([failure.code, failure.exit], [code, exit], String(error));
      equal(hint.test(failure.hint), true, failure.hint);
    }
  });

  it('tells a certificate that is not known from a node that is away', () => {
    const cause = new TypeError('fetch failed', {
      cause: Object.assign(new Error('self-signed certificate'), {
        code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      }),
    });
    const { hint } = failureOf(new NodeRequestError(0, 'm', { cause }));
    equal(/NODE_EXTRA_CA_CERTS/.test(hint), true);
  });

  it('prints one line and a hint, or one JSON object', () => {
    const failure = { code: 'FAILED', message: 'no', hint: 'yes', exit: 1 };
    equal(failureText(failure, false), 'error: no\n  yes\n');
    equal(failureText(failure, true), '{"error":{"code":"FAILED","message":"no","hint":"yes"}}\n');
  });
});
