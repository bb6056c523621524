import { ApiError } from './api-error.ts';
import type { JsonObject } from './json-shape.ts';

/** What a request asks for beyond what every task is protected by. */
export interface PrivacyOptions {
  readonly minParticipants: number | null;
  /** Rows of one party with the same key: refuse the task, or keep the first. */
  readonly duplicates: 'reject' | 'first';
  /** Common records below which nobody learns which they are; 0 for none. */
  readonly minimumIntersection: number;
}

export type PrivacyOption = keyof PrivacyOptions | 'protocol';

/** Spellings of each option, the first the usual one. */
const SPELLINGS: Readonly<Record<PrivacyOption, readonly string[]>> = {
  protocol: ['protocol'],
  minParticipants: ['min_participants', 'minParticipants'],
  duplicates: ['duplicates'],
  minimumIntersection: ['min_intersection', 'minimum_intersection', 'minIntersection'],
};

/** Far above the rows any dataset may have. */
const MAX_COUNT = 2 ** 40;

/**
 * Privacy options. Unlike elsewhere nothing is ignored: a protection that was asked for and cannot be
 * given must stop the task. Of two spellings the stricter value counts.
 * @param available what this operation knows
 */
export function parsePrivacy(
  given: JsonObject,
  available: readonly PrivacyOption[],
): PrivacyOptions {
  let minParticipants: number | null = null;
  let duplicates: PrivacyOptions['duplicates'] = 'reject';
  let minimumIntersection = 0;
  for (const [key, value] of Object.entries(given)) {
    if (value === null) continue;
    const field = `privacy.${key}`;
    const option = available.find((each) => SPELLINGS[each].includes(key));
    switch (option) {
      case 'protocol':
        if (value === 'secret-sharing' || value === 'he') break; // training combines the two
        throw new ApiError(
          'NOT_AVAILABLE',
          'privacy.protocol must be secret-sharing or he; others are not available',
        );
      case 'minParticipants':
        minParticipants = Math.max(minParticipants ?? 0, count(field, value, 1));
        break;
      case 'duplicates':
        if (value !== 'reject' && value !== 'first') {
          throw new ApiError('INVALID_REQUEST', `${field} must be reject or first`);
        }
        duplicates = value;
        break;
      case 'minimumIntersection':
        minimumIntersection = Math.max(minimumIntersection, count(field, value, 0));
        break;
      default:
        throw new ApiError('NOT_AVAILABLE', `${field} is not available`);
    }
  }
  return { minParticipants, duplicates, minimumIntersection };
}

function count(field: string, value: unknown, least: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_COUNT) {
    return value as number;
  }
  throw new ApiError(
    'INVALID_REQUEST',
    `${field} must be an integer ${least > 0 ? '> 0' : '>= 0'}`,
  );
}
