import { deepEqual, equal, throws } from 'node:assert/strict';
import { ApiError, type ApiErrorCode } from '../../../src/party/http/api-error.ts';
import { type PrivacyOption, parsePrivacy } from '../../../src/party/http/privacy-options.ts';

const ALL: readonly PrivacyOption[] = [
  'protocol',
  'minParticipants',
  'duplicates',
  'minimumIntersection',
];

function refuses(
  given: Record<string, unknown>,
  message: string,
  code: ApiErrorCode = 'INVALID_REQUEST',
  available: readonly PrivacyOption[] = ALL,
): void {
  throws(
    () => parsePrivacy(given, available),
    (error) => {
      equal((error as ApiError).message, message);
      equal((error as ApiError).code, code);
      return error instanceof ApiError;
    },
  );
}

describe('privacy options', () => {
  it('have a default each', () => {
    const none = { minParticipants: null, duplicates: 'reject', minimumIntersection: 0 };
    deepEqual(parsePrivacy({}, ALL), none);
    deepEqual(parsePrivacy({ min_intersection: null, unknown: null, protocol: 'he' }, ALL), none);
  });

  it('take every spelling, the stricter value of two', () => {
    deepEqual(
      parsePrivacy(
        {
          min_intersection: 5,
          minIntersection: 20,
          minimum_intersection: 7,
          min_participants: 3,
          minParticipants: 2,
          duplicates: 'first',
        },
        ALL,
      ),
      { minParticipants: 3, duplicates: 'first', minimumIntersection: 20 },
    );
  });

  it('are refused by name when they cannot be kept', () => {
    for (const value of ['5', -1, 1.5, Number.NaN, 2 ** 41, true, [5]]) {
      refuses({ min_intersection: value }, 'privacy.min_intersection must be an integer >= 0');
    }
    refuses({ min_participants: 0 }, 'privacy.min_participants must be an integer > 0');
    refuses({ duplicates: 'last' }, 'privacy.duplicates must be reject or first');
    refuses({ dp: {} }, 'privacy.dp is not available', 'NOT_AVAILABLE');
    refuses(
      { protocol: 'secagg' },
      'privacy.protocol must be secret-sharing or he; others are not available',
      'NOT_AVAILABLE',
    );
    refuses({ protocol: 'he' }, 'privacy.protocol is not available', 'NOT_AVAILABLE', [
      'duplicates',
    ]);
  });
});
