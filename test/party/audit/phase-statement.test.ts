import { deepEqual, throws } from 'node:assert/strict';
import {
  decodeStatement,
  encodeStatement,
  type PhaseStatement,
} from '../../../src/party/audit/phase-statement.ts';

const STATEMENT: PhaseStatement = {
  taskId: '7'.repeat(64),
  attempt: 1,
  session: 'c'.repeat(64),
  from: 'orgA',
  to: 'orgB',
  number: 3,
  phase: 'training',
  step: 7,
  last: false,
  frames: 40,
  bytes: 9000,
  hash: '9'.repeat(64),
};
const MALFORMED = { name: 'AuditError', code: 'malformed_entry' };

describe('phase statement', () => {
  it('comes back as it was signed, at its longest, too', () => {
    const longest = {
      ...STATEMENT,
      ...{ from: 'a'.repeat(63), to: 'b'.repeat(63), phase: 'p'.repeat(64) },
      ...{ attempt: 2 ** 32 - 1, number: Number.MAX_SAFE_INTEGER, step: Number.MAX_SAFE_INTEGER },
      ...{ frames: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER },
    };
    for (const statement of [STATEMENT, longest]) {
      deepEqual(decodeStatement(encodeStatement(statement)), statement);
    }
  });

  it('is refused with other fields, in other words, and when it is too long', () => {
    const text = new TextDecoder().decode(encodeStatement(STATEMENT));
    for (const odd of [
      '',
      'null',
      ` ${text}`,
      text.replace('"attempt":1', '"attempt":0'),
      text.replace('"attempt":1', '"attempt":1.5'),
      text.replace('"bytes":9000,', ''),
      text.replace('"last":false', '"last":false,"more":1'),
      text.replace('training', 'Training'),
      text.replace('training', 'p'.repeat(1024)),
    ]) {
      throws(() => decodeStatement(new TextEncoder().encode(odd)), MALFORMED, odd);
    }
  });
});
