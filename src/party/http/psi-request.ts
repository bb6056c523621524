/** Requests for set intersections: `runPSITask`, and `runLabeledPSITask` for columns with the keys. */
import Type, { type Static } from 'typebox';
import { MAX_PARTIES, MAX_PAYLOAD_COLUMNS } from '../consensus/contract-limits.ts';
import type { EngineWish } from '../tasks/psi-engine.ts';
import { ApiError } from './api-error.ts';
import { engineOf } from './engine-name.ts';
import { checkShape } from './json-shape.ts';
import { keyColumn, parseKeyColumns, rejectRepeated } from './key-columns.ts';
import { parsePrivacy } from './privacy-options.ts';
import { checkPsiRules, type PsiTerms } from './psi-rules.ts';
import {
  column,
  DATA_FIELDS,
  type Described,
  parseDataType,
  parseReceivers,
  privacyField,
  receivers,
  TASK_FIELDS,
  UNSPECIFIED_PURPOSE,
  unknownFields,
} from './request-fields.ts';
import type { DataProvider } from './train-request.ts';
import type { Warning } from './warning.ts';

const SideBody = Type.Object({ ...DATA_FIELDS, key_column: keyColumn });

const LabelledSideBody = Type.Object({
  ...DATA_FIELDS,
  key_column: keyColumn,
  selected_columns: Type.Array(column, {
    minItems: 1,
    maxItems: MAX_PAYLOAD_COLUMNS,
    description: 'Columns whose values the requester learns of the common records, in clear.',
  }),
});

const FIELDS = {
  algo_type: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength: 16,
      description:
        'auto, RR22 or DH, in any case; ECDH is DH. auto: DH for small tables, RR22 for large ones. HE is accepted as a value and not available.',
    }),
  ),
  requester: SideBody,
  result_recv_type: Type.Optional(
    Type.Unsafe<1 | 2 | '1' | '2'>({
      enum: [1, 2, '1', '2'],
      description: '1: the requester receives the result; 2: all parties do.',
    }),
  ),
  result_receivers: Type.Optional({
    ...receivers,
    description: 'Who receives the result, by name; in place of result_recv_type.',
  }),
  output: Type.Optional(
    Type.Enum(['rows', 'size'], {
      description:
        'rows: a file of the common records; size: how many keys are common, told to both parties, and not which.',
    }),
  ),
  join: Type.Optional(
    Type.Enum(['inner', 'left', 'right', 'full', 'difference'], {
      description:
        'Which records have a line: those in common; also all of the requester (left), of the provider (right), of both (full); or those that are not in common (difference). A party’s file never shows a key of the other that is not common.',
    }),
  ),
  ...TASK_FIELDS,
  privacy: privacyField(
    'duplicates: rows that repeat a key: reject (the default), first, or expand, a line for every pair; min_intersection: with fewer common records the task ends before anybody learns which they are.',
  ),
} as const;

const EXAMPLE = {
  requester: { name: 'orgA', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
  provider: { name: 'orgB', data_path: 'b.csv', data_type: 'csv', key_column: 'id' },
  result_recv_type: 1,
} as const;
const KEYS_OF_TWO = ['last_name', 'birth_date'];

/** The body of `runPSITask`: its fields and their types. Further rules are in the parser. */
export const PsiRequestBody = Type.Object(
  {
    ...FIELDS,
    provider: Type.Optional(SideBody),
    providers: Type.Optional(
      Type.Array(SideBody, {
        minItems: 1,
        maxItems: MAX_PARTIES - 1,
        description: 'The other parties, where there are three or more; in place of provider.',
      }),
    ),
  },
  {
    examples: [
      EXAMPLE,
      {
        ...EXAMPLE,
        requester: { ...EXAMPLE.requester, key_column: KEYS_OF_TWO },
        provider: { ...EXAMPLE.provider, key_column: ['surname', 'born'] },
        join: 'left',
        privacy: { duplicates: 'first', min_intersection: 100 },
      },
      {
        requester: EXAMPLE.requester,
        providers: [EXAMPLE.provider, { ...EXAMPLE.provider, name: 'orgC', data_path: 'c.csv' }],
        result_receivers: ['orgA', 'orgC'],
      },
      { requester: EXAMPLE.requester, provider: EXAMPLE.provider, output: 'size' },
    ],
  },
);

/** The body of `runLabeledPSITask`. */
export const LabeledPsiRequestBody = Type.Object(
  { ...FIELDS, provider: LabelledSideBody },
  {
    examples: [
      { ...EXAMPLE, provider: { ...EXAMPLE.provider, selected_columns: ['segment', 'since'] } },
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
export interface PsiRequest extends PsiTerms {
  readonly providers: readonly PsiProvider[];
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
  const others = othersOf(body);
  const known: Described = others.map(([at, side]) => [at, side, SideBody]);
  const warnings = unknownIn([['', body, PsiRequestBody], ...known], body);
  const providers = others.map(([at, side]) => parseSide(at, side));
  return parseRest(body, providers, warnings);
}

/** As `parsePsiRequest`, of a body whose provider tells columns of the common records. */
export function parseLabeledPsiRequest(json: unknown): PsiRequest {
  const body = checkShape(LabeledPsiRequestBody, json);
  const { provider } = body;
  const known: Described = [
    ['', body, LabeledPsiRequestBody],
    ['provider', provider, LabelledSideBody],
  ];
  const warnings = unknownIn(known, body);
  const side = parseSide('provider', provider);
  const payload = provider.selected_columns;
  rejectRepeated('provider.selected_columns', payload);
  const key = payload.find((name) => side.keyColumns.includes(name));
  if (key !== undefined) {
    const message = `provider.selected_columns names ${key}, a key column: the requester has its values in its own key; leave it out`;
    throw new ApiError('INVALID_REQUEST', message);
  }
  return parseRest(body, [{ ...side, payload }], warnings);
}

type Side = Static<typeof SideBody>;
type Fields = Omit<Static<typeof PsiRequestBody>, 'provider' | 'providers'>;

/** The parties that the requester asks, by their fields. */
function othersOf({
  provider,
  providers,
}: Static<typeof PsiRequestBody>): (readonly [field: string, side: Side])[] {
  if (provider && providers) {
    const message = 'provider and providers are the same field: give one of them';
    throw new ApiError('INVALID_REQUEST', message);
  }
  if (providers) return providers.map((side, i) => [`providers[${i}]`, side]);
  if (provider) return [['provider', provider]];
  const message = 'provider is missing: name the other party, or several as providers';
  throw new ApiError('INVALID_REQUEST', message);
}

function unknownIn(objects: Described, { requester, strict }: Fields): Warning[] {
  return unknownFields([...objects, ['requester', requester, SideBody]], strict ?? false);
}

/** What both kinds say, once the other parties are known. */
function parseRest(
  body: Fields,
  others: readonly PsiProvider[],
  unknown: readonly Warning[],
): PsiRequest {
  const engine = body.algo_type == null ? 'auto' : parseEngine(body.algo_type);
  const providers = [parseSide('requester', body.requester), ...others];
  rejectSameNames(providers);
  const { duplicates, minimumIntersection } = parsePrivacy(
    body.privacy ?? {},
    ['duplicates', 'minimumIntersection'],
    ['reject', 'first', 'expand'],
  );
  const { output = 'rows', join = 'inner' } = body;
  const names = providers.map(({ name }) => name);
  const received = receiversOf(body, names, output === 'size' ? names : names.slice(0, 1));
  const request: PsiRequest = {
    providers,
    receivers: received.receivers,
    engine,
    output,
    join,
    duplicates,
    minimumIntersection,
    async: body.async ?? false,
    purpose: body.purpose ?? UNSPECIFIED_PURPOSE,
    warnings: [...unknown, ...received.warnings],
  };
  checkPsiRules(request);
  return request;
}

function parseEngine(name: string): EngineWish {
  const engine = engineOf(name);
  if (engine) return engine;
  if (name.toUpperCase() !== 'HE') {
    throw new ApiError('INVALID_REQUEST', 'algo_type must be one of auto, RR22, DH');
  }
  throw new ApiError(
    'NOT_AVAILABLE',
    'algo_type HE is not available: a set intersection by RR22 or DH reveals no more; leave algo_type out or set it to auto',
  );
}

function parseSide(field: string, body: Side): PsiProvider {
  return {
    name: body.name,
    path: body.data_path,
    type: parseDataType(`${field}.data_type`, body.data_type),
    keyColumns: parseKeyColumns(`${field}.key_column`, body.key_column),
    payload: [],
  };
}

function rejectSameNames([requester, ...others]: readonly PsiProvider[]): void {
  const names = [requester!.name];
  for (const [i, { name }] of others.entries()) {
    if (names.includes(name)) {
      const field = others.length === 1 ? 'provider' : `providers[${i}]`;
      const message = `${field}.name must be another party than ${i === 0 ? 'requester.name' : 'those before it'}`;
      throw new ApiError('INVALID_REQUEST', message);
    }
    names.push(name);
  }
}

/** Who receives, by number or by name; `otherwise` when the request says neither. */
function receiversOf(
  { result_recv_type: type, result_receivers: named }: Fields,
  parties: readonly string[],
  otherwise: readonly string[],
): ReturnType<typeof parseReceivers> {
  const counted =
    type === undefined ? otherwise : Number(type) === 2 ? parties : parties.slice(0, 1);
  if (named === undefined) return { receivers: counted, warnings: [] };
  const received = parseReceivers(named);
  const same =
    received.receivers.length === counted.length &&
    counted.every((name) => received.receivers.includes(name));
  if (type !== undefined && !same) {
    throw new ApiError(
      'INVALID_REQUEST',
      `result_recv_type ${type} means ${counted.join(', ')}, and result_receivers names ${received.receivers.join(', ')}: give one of them`,
    );
  }
  return received;
}
