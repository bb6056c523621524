import { equal } from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

describe('a process that used a transport', () => {
  it('exits by itself after stop, while broken streams are dialled again', async () => {
    const child = fork(join(import.meta.dirname, '../../support/transport-process.js'), {
      stdio: 'inherit',
    });
    const [code, signal] = await once(child, 'exit');
    equal(signal, null);
    equal(code, 0);
  });
});
