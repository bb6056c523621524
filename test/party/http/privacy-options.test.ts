import { deepEqual, equal, throws } from 'node:assert/strict';
import { ApiError, type ApiErrorCode } from '../../../src/party/http/api-error.ts';
import { type PrivacyOption, parsePrivacy } from '../../../src/party/http/privacy-options.ts';

const ALL: readonly PrivacyOption[] = [
  'protocol',
  'minParticipants',
  'duplicates',
  'minimumIntersection',
  'engine',
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
    const none = {
      minParticipants: null,
      duplicates: 'reject',
      minimumIntersection: 0,
      engine: 'auto',
    };
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
          psi_engine: 'RR22',
          psiEngine: 'rr22',
        },
        ALL,
      ),
      { minParticipants: 3, duplicates: 'first', minimumIntersection: 20, engine: 'rr22' },
    );
  });

  it('are refused by name when they cannot be kept', () => {
    for (const value of ['5', -1, 1.5, Number.NaN, 2 ** 41, true, [5]]) {
      refuses({ min_intersection: value }, 'privacy.min_intersection must be an integer >= 0');
    }
    refuses({ min_participants: 0 }, 'privacy.min_participants must be an integer > 0');
    refuses({ duplicates: 'last' }, 'privacy.duplicates must be reject or first');
    refuses({ duplicates: 'expand' }, 'privacy.duplicates must be reject or first');
    for (const value of ['fast', 'HE', '__proto__', '', 22, ['rr22']]) {
      refuses({ psi_engine: value }, 'privacy.psi_engine must be one of auto, rr22, ecdh');
    }
    refuses(
      { psi_engine: 'auto', psiEngine: 'dh' },
      'privacy.psiEngine and its other spelling name two engines',
    );
    refuses(
      { dp: {} },
      'privacy.dp is not available; there are privacy.protocol, privacy.min_participants, privacy.duplicates, privacy.min_intersection, privacy.psi_engine',
      'NOT_AVAILABLE',
    );
    refuses(
      { protocol: 'secagg' },
      'privacy.protocol must be secret-sharing or he; others are not available',
      'NOT_AVAILABLE',
    );
    refuses(
      { protocol: 'he' },
      'privacy.protocol is not available; there are privacy.duplicates',
      'NOT_AVAILABLE',
      ['duplicates'],
    );
  });

  it('let pairs be made only where the operation makes them', () => {
    const rules = ['reject', 'first', 'expand'] as const;
    equal(parsePrivacy({ duplicates: 'expand' }, ALL, rules).duplicates, 'expand');
    throws(() => parsePrivacy({ duplicates: 'all' }, ALL, rules), /be reject, first or expand$/);
  });
});
