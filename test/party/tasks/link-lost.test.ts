import { equal } from 'node:assert/strict';
import { SessionError } from '../../../src/party/errors.ts';
import { isLinkLost, linkCodeOf } from '../../../src/party/tasks/link-lost.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';

describe('what broke an attempt', () => {
  const away = new SessionError('UNREACHABLE', 'orgB does not answer');
  const closed = (cause?: Error) => new ProtocolError('CLOSED', 'ended', cause && { cause });

  it('is a lost link by the session’s error, or by the one behind a closed channel', () => {
    for (const error of [away, closed(away)]) {
      equal(linkCodeOf(error), 'UNREACHABLE');
      equal(isLinkLost(error), true);
    }
    equal(linkCodeOf(closed()), 'CLOSED');
    equal(isLinkLost(closed()), true);
  });

  it('is none where another attempt would break alike', () => {
    const odd = new SessionError('MALFORMED', 'another word');
    for (const error of [odd, closed(odd)]) equal(isLinkLost(error), false);
    for (const error of [new ProtocolError('CHECK_FAILED', 'x', { cause: away }), new Error()]) {
      equal(linkCodeOf(error), undefined);
      equal(isLinkLost(error), false);
    }
  });
});
