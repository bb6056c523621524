import { deepEqual, equal, throws } from 'node:assert/strict';
import { encodeEntry, MAX_ENTRY_BYTES } from '../../../../src/party/audit/entry.ts';
import {
  type BundleLine,
  decodeProof,
  encodeProof,
  entryLine,
  formatLine,
  lineOrder,
  parseLine,
} from '../../../../src/party/audit/evidence/bundle.ts';
import { sampleEntry } from '../../../support/audit-entries.ts';
import { auditedTask, sourceOf } from '../../../support/audited-task.ts';
import { taskBundle } from '../../../support/evidence.ts';

const HASHES = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const parsed = (text: string): BundleLine => parseLine(Buffer.from(text));

describe('lines of a bundle', () => {
  let lines: readonly string[];
  before(async () => {
    const task = await auditedTask();
    lines = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
  });

  it('are read as they were written', () => {
    const bytes = encodeEntry(sampleEntry('vote'));
    for (const proof of [null, [], HASHES]) {
      const line = parsed(entryLine(17, bytes, proof).slice(0, -1));
      const expected = { line: 'entry', index: 17, entry: sampleEntry('vote'), bytes, proof };
      deepEqual({ ...line, bytes }, expected);
      deepEqual(Buffer.from((line as { bytes: Uint8Array }).bytes), Buffer.from(bytes));
    }
    const end = { line: 'end', entries: 3, digest: '00'.repeat(32) } as const;
    deepEqual(parsed(formatLine(end).slice(0, -1)), end);
  });

  it('are refused when they are not canonical, or have other fields', () => {
    for (const line of lines) {
      const cases = [
        ` ${line}`,
        `${line} `,
        line.replace('"line":', '"line": '),
        `${line.slice(0, -1)},"zz":1}`,
        line.slice(0, -1),
        line.replace(/"line":"[a-z_]+"/, '"line":"other"'),
        line.replace('{', '{"line":"end",'),
      ];
      for (const text of cases) {
        throws(() => parsed(text), /AuditError/, text.slice(0, 300));
      }
    }
  });

  it('hold entries as long as the log takes them', () => {
    const line = lines.find((text) => text.startsWith('{"entry":'))!;
    const long = line.replace(/"salt":"/, `$&${'0'.repeat(MAX_ENTRY_BYTES)}`);
    throws(() => parsed(long), { code: 'malformed_bundle', message: /at most \d+ bytes/ });
  });

  it('hold proofs of whole hashes', () => {
    deepEqual(decodeProof(encodeProof(HASHES)), HASHES);
    deepEqual(decodeProof(''), []);
    for (const text of ['A', 'AAAA', encodeProof(HASHES).slice(4), `${'A'.repeat(42)}B=`]) {
      throws(() => decodeProof(text), { code: 'malformed_bundle' }, text);
    }
  });

  it('come in their order', () => {
    const kinds = lines.map((line) => parsed(line).line);
    deepEqual(
      [...new Set(kinds)],
      [
        ...['header', 'identity', 'log_key', 'contract', 'certificate', 'checkpoint', 'cosigned'],
        ...['consistency', 'entry', 'opening', 'end'],
      ],
    );
    const inOrder = lineOrder();
    for (const line of lines) inOrder(parsed(line));
    const only = (...which: string[]) => {
      const order = lineOrder();
      for (const kind of which) order(parsed(lines[kinds.indexOf(kind as 'end')]!));
    };
    for (const wrong of [
      ['entry'],
      ['header', 'header'],
      ['header', 'entry', 'contract'],
      ['header', 'checkpoint', 'checkpoint'],
      ['header', 'end', 'end'],
      ['header', 'opening', 'entry'],
    ]) {
      throws(() => only(...wrong), { code: 'malformed_bundle' }, wrong.join());
    }
    equal(only('header', 'identity', 'identity', 'entry', 'entry', 'end'), undefined);
  });
});
