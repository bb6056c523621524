import { doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { ENTRY_KINDS } from '../../../src/party/audit/entry.ts';
import { entryText, timelineText } from '../../../src/party/cli/audit-timeline.ts';
import { sampleEntry } from '../../support/audit-entries.ts';

describe('timeline of the audit log', () => {
  it('has words for every kind of entry', () => {
    for (const kind of ENTRY_KINDS) {
      const text = entryText(sampleEntry(kind));
      match(text, /^[a-zA-Z][^\n]{8,120}$/, kind);
      doesNotMatch(text, /undefined|null|\[object|[0-9a-f]{40}/, kind);
    }
  });

  it('has a line each, with its time and place', () => {
    const entries = [sampleEntry('vote'), { ...sampleEntry('policy'), task: null, seq: null }];
    const lines = timelineText(entries as never).split('\n');
    equal(lines.length, 3);
    match(lines[0]!, /^2026-03-01T10:00:00\.000Z {2}#3 attempt 1 {2}vote of orgB: accept/);
    match(lines[1]!, /^2026-03-01T10:00:00\.000Z +policy: 2 rules$/);
  });

  it('shows no control characters of names', () => {
    const entry = sampleEntry('administration');
    const body = { ...entry.body, subject: 'a\u001b[2Jb' };
    ok(!timelineText([{ ...entry, body } as never]).includes('\u001b'));
  });
});
