import Type, { type Static } from 'typebox';
import type { Alignment, PsiContract } from '../consensus/contract.ts';
import type { EngineWish } from '../tasks/psi-engine.ts';
import { ApiError } from './api-error.ts';
import { checkShape } from './json-shape.ts';
import { parsePrivacy } from './privacy-options.ts';
import {
  column,
  DATA_FIELDS,
  parseDataType,
  TASK_FIELDS,
  UNSPECIFIED_PURPOSE,
  unknownFields,
} from './request-fields.ts';
import type { DataProvider } from './train-request.ts';
import type { Warning } from './warning.ts';

const SideBody = Type.Object({ ...DATA_FIELDS, key_column: column });

/** The body of `runPSITask`: its fields and their types. Further rules are in the parser. */
export const PsiRequestBody = Type.Object(
  {
    algo_type: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        maxLength: 16,
        description: 'DH. HE is accepted as a value and not available.',
      }),
    ),
    requester: SideBody,
    provider: SideBody,
    result_recv_type: Type.Optional(
      Type.Unsafe<1 | 2 | '1' | '2'>({
        enum: [1, 2, '1', '2'],
        description: '1: the requester receives the common keys; 2: both do.',
      }),
    ),
    ...TASK_FIELDS,
  },
  {
    examples: [
      {
        algo_type: 'DH',
        requester: { name: 'orgA', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
        provider: { name: 'orgB', data_path: 'b.csv', data_type: 'csv', key_column: 'id' },
        result_recv_type: 1,
      },
    ],
  },
);

/** What one party brings to a set intersection. */
export type PsiProvider = Pick<DataProvider, 'name' | 'path' | 'type'> & {
  /** As many as of every other party. */
  readonly keyColumns: readonly string[];
  /** Columns whose values the receiver learns of common records: then it is a labelled one. */
  readonly payload: readonly string[];
};

/** A set intersection request in its one canonical form. */
export interface PsiRequest {
  /** In the order of the contract: the requester first. */
  readonly providers: readonly PsiProvider[];
  /** Some of the providers. */
  readonly receivers: readonly string[];
  readonly engine: EngineWish;
  readonly output: PsiContract['parameters']['output'];
  readonly join: PsiContract['parameters']['join'];
  readonly duplicates: Alignment['duplicates'];
  /** Common keys below which nobody learns which they are; 0 for none. */
  readonly minimumIntersection: number;
  readonly async: boolean;
  readonly purpose: string;
  readonly warnings: readonly Warning[];
}

/**
 * The canonical form of an untrusted request body. Throws `ApiError` naming the field; what is
 * legal but not understood becomes a warning, or an error when the request says `strict`.
 */
export function parsePsiRequest(json: unknown): PsiRequest {
  const body = checkShape(PsiRequestBody, json);
  const warnings = unknownFields(
    [
      ['', body, PsiRequestBody],
      ['requester', body.requester, SideBody],
      ['provider', body.provider, SideBody],
    ],
    body.strict ?? false,
  );
  const engine = body.algo_type == null ? 'auto' : parseAlgorithm(body.algo_type);
  const requester = parseSide('requester', body.requester);
  const provider = parseSide('provider', body.provider);
  if (requester.name === provider.name) {
    throw new ApiError(
      'INVALID_REQUEST',
      'provider.name must be another party than requester.name',
    );
  }
  const { duplicates, minimumIntersection } = parsePrivacy(body.privacy ?? {}, [
    'duplicates',
    'minimumIntersection',
  ]);
  const both = Number(body.result_recv_type ?? 1) === 2;
  return {
    providers: [requester, provider],
    engine,
    output: 'rows',
    join: 'inner',
    receivers: both ? [requester.name, provider.name] : [requester.name],
    duplicates,
    minimumIntersection,
    async: body.async ?? false,
    purpose: body.purpose ?? UNSPECIFIED_PURPOSE,
    warnings,
  };
}

function parseAlgorithm(name: string): EngineWish {
  switch (name.toUpperCase()) {
    case 'DH':
      return 'ecdh';
    case 'HE':
      throw new ApiError(
        'NOT_AVAILABLE',
        'algo_type HE is not available: a set intersection by DH reveals no more; leave algo_type out or set it to DH',
      );
    default:
      throw new ApiError('INVALID_REQUEST', 'algo_type must be one of DH, HE');
  }
}

function parseSide(field: string, body: Static<typeof SideBody>): PsiProvider {
  return {
    name: body.name,
    path: body.data_path,
    type: parseDataType(`${field}.data_type`, body.data_type),
    keyColumns: [body.key_column],
    payload: [],
  };
}
