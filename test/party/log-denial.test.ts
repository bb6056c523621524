import { deepEqual, equal } from 'node:assert/strict';
import { createLog } from '../../src/party/log.ts';
import { logDenial } from '../../src/party/log-denial.ts';
import type { Decision } from '../../src/party/policy.ts';

const DENIED: Decision = { allow: false, rule: 0, reason: 'column', subject: 'forged " line' };

interface Line {
  readonly level: string;
  readonly peer?: string;
  readonly reason?: string;
  readonly subject?: string;
  readonly err?: { readonly type: string };
}

describe('log of denials', () => {
  /** The lines of a log at a level, parsed. */
  function linesAt(level: 'warn' | 'debug', write: (log: ReturnType<typeof createLog>) => void) {
    const lines: string[] = [];
    write(createLog({ level, pretty: false, node: 'orgA' }, { write: (line) => lines.push(line) }));
    return lines.map((line) => JSON.parse(line) as Line);
  }

  it('says at warn who and why, and what a peer chose at debug only', () => {
    for (const level of ['warn', 'debug'] as const) {
      const lines = linesAt(level, (log) => logDenial(log, 'orgB', DENIED));
      const warnings = lines.filter((line) => line.level === 'warn');
      deepEqual(
        warnings.map(({ peer, reason }) => [peer, reason]),
        [['orgB', 'column']],
      );
      equal(JSON.stringify(warnings).includes('forged'), false);
      deepEqual(
        lines.filter((line) => line.level === 'debug').map((line) => line.subject),
        level === 'debug' ? [DENIED.subject] : [],
      );
    }
  });

  it('says that the policy could not be read', () => {
    const [line, ...more] = linesAt('debug', (log) =>
      logDenial(log, 'orgB', null, new TypeError('x')),
    );
    equal(line?.reason, 'unreadable_policy');
    equal(line?.err?.type, 'TypeError');
    equal(more.length, 0);
  });
});
