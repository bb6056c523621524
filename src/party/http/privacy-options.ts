import type { Alignment } from '../consensus/contract.ts';
import type { EngineWish } from '../tasks/psi-engine.ts';
import { ApiError } from './api-error.ts';
import { engineOf } from './engine-name.ts';
import type { JsonObject } from './json-shape.ts';

/** What a request asks for beyond what every task is protected by. */
export interface PrivacyOptions {
  readonly minParticipants: number | null;
  /** What becomes of rows of one party with the same key. */
  readonly duplicates: Alignment['duplicates'];
  /** Common records below which nobody learns which they are; 0 for none. */
  readonly minimumIntersection: number;
  /** What matches keys. */
  readonly engine: EngineWish;
}

export type PrivacyOption = keyof PrivacyOptions | 'protocol';

/** Spellings of each option, the first the usual one. */
const SPELLINGS: Readonly<Record<PrivacyOption, readonly string[]>> = {
  protocol: ['protocol'],
  minParticipants: ['min_participants', 'minParticipants'],
  duplicates: ['duplicates'],
  minimumIntersection: ['min_intersection', 'minimum_intersection', 'minIntersection'],
  engine: ['psi_engine', 'psiEngine'],
};

/** Far above the rows any dataset may have. */
const MAX_COUNT = 2 ** 40;

/**
 * Privacy options. Unlike elsewhere nothing is ignored: a protection that was asked for and cannot be
 * given must stop the task. Of two spellings the stricter value counts.
 * @param available what this operation knows
 * @param rules for duplicates, of those
 */
export function parsePrivacy(
  given: JsonObject,
  available: readonly PrivacyOption[],
  rules: readonly Alignment['duplicates'][] = ['reject', 'first'],
): PrivacyOptions {
  let minParticipants: number | null = null;
  let duplicates: PrivacyOptions['duplicates'] = 'reject';
  let minimumIntersection = 0;
  let engine: EngineWish | null = null;
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
        duplicates = duplicateRule(field, value, rules);
        break;
      case 'minimumIntersection':
        minimumIntersection = Math.max(minimumIntersection, count(field, value, 0));
        break;
      case 'engine':
        engine = engineNamed(field, value, engine);
        break;
      default: {
        const known = available.map((each) => `privacy.${SPELLINGS[each][0]}`).join(', ');
        throw new ApiError('NOT_AVAILABLE', `${field} is not available; there are ${known}`);
      }
    }
  }
  return { minParticipants, duplicates, minimumIntersection, engine: engine ?? 'auto' };
}

function duplicateRule(
  field: string,
  value: unknown,
  rules: readonly Alignment['duplicates'][],
): Alignment['duplicates'] {
  const rule = rules.find((each) => each === value);
  if (rule) return rule;
  const last = rules.at(-1);
  const message = `${field} must be ${rules.slice(0, -1).join(', ')} or ${last}`;
  throw new ApiError('INVALID_REQUEST', message);
}

/** None is stricter than another: of two spellings both must name the same. */
function engineNamed(field: string, value: unknown, before: EngineWish | null): EngineWish {
  const engine = typeof value === 'string' ? engineOf(value) : undefined;
  if (!engine) throw new ApiError('INVALID_REQUEST', `${field} must be one of auto, rr22, ecdh`);
  if (before !== null && before !== engine) {
    throw new ApiError('INVALID_REQUEST', `${field} and its other spelling name two engines`);
  }
  return engine;
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
