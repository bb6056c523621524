import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict';
import { DatasetError } from '../../src/party/datasets/dataset-error.ts';
import { createLog, type LogOptions, logPhase, type NodeLog } from '../../src/party/log.ts';

const SECRET = 'planted-5ecret';

function capture(options: Partial<LogOptions> = {}): { log: NodeLog; lines: string[] } {
  const lines: string[] = [];
  const log = createLog(
    { level: 'trace', pretty: false, node: 'clinic', ...options },
    { write: (line) => void lines.push(line) },
  );
  return { log, lines };
}

describe('log', () => {
  it('writes one JSON line a phase: level in words, time, node and the fields', () => {
    const { log, lines } = capture();
    logPhase(log, { task: 'ab12', phase: 'aligning', peer: 'bank', bytes: 1024, ms: 12 });
    logPhase(log.child({ task: 'ab12' }), { task: 'ab12', phase: 'training', code: 'CLOSED' });
    const [done, failed] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    match(String(done!.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    deepEqual(
      { ...done, time: '' },
      {
        level: 'info',
        time: '',
        node: 'clinic',
        task: 'ab12',
        phase: 'aligning',
        peer: 'bank',
        bytes: 1024,
        ms: 12,
        msg: 'phase done',
      },
    );
    equal(failed!.level, 'warn');
    equal(failed!.code, 'CLOSED');
  });

  it('respects the level', () => {
    const { log, lines } = capture({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    equal(lines.length, 1);
    const silent = capture({ level: 'silent' });
    silent.log.fatal('no');
    equal(silent.lines.length, 0);
  });

  it('shows nothing under a redacted key, in JSON or text, at any of three depths', () => {
    for (const pretty of [false, true]) {
      const { log, lines } = capture({ pretty });
      for (const key of [
        'key',
        'passphrase',
        'token',
        'authorization',
        'salt',
        'share',
        'values',
        'label',
        'keys',
        'payload',
      ]) {
        log.error({ [key]: SECRET }, 'a');
        log.error({ req: { [key]: { deeper: SECRET } } }, 'b');
        log.error({ req: { headers: { [key]: [SECRET] } } }, 'c');
        log.child({ [key]: SECRET }).error('d');
      }
      equal(lines.length, 40);
      for (const line of lines) {
        doesNotMatch(line, /5ecret/);
        match(line, /\[redacted\]/);
      }
    }
    const { log, lines } = capture();
    log.info({ other: SECRET });
    match(lines[0]!, /5ecret/, 'the search would find it');
  });

  it('logs of an error its class, code and place, not its text', () => {
    const { log, lines } = capture();
    const error = Object.assign(
      new TypeError(SECRET, { cause: new RangeError(`${SECRET}\n    x`) }),
      {
        code: 'bad_type',
        detail: SECRET,
      },
    );
    log.error({ err: error }, 'failed');
    doesNotMatch(lines[0]!, /5ecret/);
    const { err } = JSON.parse(lines[0]!) as {
      err: { type: string; code: string; stack: string; cause: { type: string } };
    };
    deepEqual([err.type, err.code, err.cause.type], ['TypeError', 'bad_type', 'RangeError']);
    match(err.stack, /log\.test/);
    log.error({ err: new DatasetError('changed', 'a.csv: has changed') });
    match(lines[1]!, /"message":"a\.csv: has changed"/);
  });

  it('prints text for people on one line', () => {
    const { log, lines } = capture({ pretty: true });
    log.warn({ task: 'ab12', note: 'two\nlines' }, 'odd\u001b[31m\nmessage');
    match(
      lines[0]!,
      /^[\d:.]{12} WARN {2}odd\\u001b\[31m\\nmessage task=ab12 note="two\\nlines"\n$/,
    );
  });
});
