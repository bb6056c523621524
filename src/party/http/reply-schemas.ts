/** The shapes of replies, for the description of the interface; tests hold live replies to them. */
import Type, { type TSchema, type TUnsafe } from 'typebox';
import { TASK_KINDS, TASK_STATES } from '../tasks/task-view.ts';
import { API_ERROR_CODES } from './api-error.ts';
import type { ApiReply } from './api-reply.ts';

const nullable = (type: 'string' | 'number' | 'integer'): TUnsafe<unknown> =>
  Type.Unsafe({ type: [type, 'null'] });
const time = Type.String({ description: 'ISO 8601 UTC with milliseconds' });
const timeOrNull = nullable('string');
const metrics = {
  type: ['object', 'null'],
  additionalProperties: { type: ['number', 'null'] },
} as const;

/** A reply whose `result` has a schema. */
export function replyOf(result: TSchema, status: 200 | 202 = 200): TUnsafe<ApiReply> {
  const description =
    status === 200
      ? 'It is done; the result.'
      : 'The task was accepted and goes on; Location is where it can be followed.';
  const fields = { status: Type.Literal(status), result, msg: Type.String() };
  return Type.Unsafe<ApiReply>(Type.Object(fields, { description }));
}

/** The schema of a reply of another form, which describes and is not compiled against. */
export function bareReply(description: string, schema: TSchema): TUnsafe<object> {
  return Type.Unsafe<object>({ ...schema, description });
}

/** A schema that is described once, under `components`. */
export function shared(id: 'Error' | 'Task' | 'Model' | 'Dataset'): TUnsafe<unknown> {
  return Type.Unsafe<unknown>({ $ref: `${id}#` });
}

const ErrorSchema = Type.Object(
  {
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    result: Type.Null(),
    msg: Type.String(),
    code: Type.Enum([...API_ERROR_CODES]),
  },
  {
    $id: 'Error',
    description: 'Every error; status is that of the reply.',
    examples: [
      {
        status: 400,
        result: null,
        msg: 'data_providers[0].data_type must be one of csv, json, parquet',
        code: 'INVALID_REQUEST',
      },
    ],
  },
);

const TaskSchema = Type.Object(
  {
    task_id: Type.String(),
    kind: Type.Enum([...TASK_KINDS]),
    algorithm: Type.String(),
    initiator: Type.String(),
    parties: Type.Array(Type.String()),
    receivers: Type.Array(Type.String()),
    purpose: Type.String(),
    state: Type.Enum([...TASK_STATES]),
    phase: Type.String(),
    awaits_approval: Type.Boolean(),
    attempt: Type.Integer(),
    progress: Type.Object({
      percentage: Type.Number({ minimum: 0, maximum: 100 }),
      iteration: Type.Unsafe({
        type: ['integer', 'null'],
        description: 'Steps of the present phase: of a training, or buckets of a matching.',
      }),
      iterations: nullable('integer'),
      bytes_sent: Type.Number(),
      bytes_received: Type.Number(),
      bytes_per_second: Type.Number(),
      seconds_remaining: nullable('number'),
    }),
    created_at: time,
    started_at: timeOrNull,
    finished_at: timeOrNull,
    model_id: nullable('string'),
    path: Type.Unsafe({
      type: ['string', 'null'],
      description: 'Null unless completed with a file.',
    }),
    type: nullable('string'),
    extra: Type.Unsafe({
      type: ['string', 'null'],
      description: 'JSON, as in the result of the operation that made the task.',
    }),
    metrics: Type.Unsafe(metrics),
    error: Type.Unsafe({
      type: ['object', 'null'],
      properties: {
        status: { type: 'integer' },
        code: { type: 'string', enum: [...API_ERROR_CODES] },
        message: { type: 'string' },
      },
      required: ['status', 'code', 'message'],
    }),
  },
  { $id: 'Task' },
);

const ModelSchema = Type.Object(
  {
    model_id: Type.String(),
    kind: Type.Enum(['model', 'part']),
    task_id: Type.String(),
    algorithm: Type.String(),
    path: Type.String(),
    type: Type.String(),
    digest: Type.String({ description: 'SHA-256 of the file, hex' }),
    size_bytes: Type.Integer(),
    created_at: time,
    metrics: Type.Unsafe(metrics),
    feature_importance: Type.Optional(
      Type.Array(
        Type.Object({
          party: Type.String(),
          column: Type.String(),
          level: Type.Optional(
            Type.Integer({ description: 'Of a categorical column, in its owner’s order.' }),
          ),
          feature: Type.String({ description: 'As in the model’s file.' }),
          weight: Type.Integer({ description: 'Splits that use it.' }),
          gain: Type.Number({ description: 'Mean gain of those.' }),
          cover: Type.Number({ description: 'Mean sum of second derivatives in those.' }),
          total_gain: Type.Number(),
          total_cover: Type.Number(),
        }),
        { description: 'Of one released forest alone, the largest mean gain first.' },
      ),
    ),
  },
  { $id: 'Model' },
);

const DatasetSchema = Type.Object(
  { name: Type.String(), path: Type.String(), type: Type.String(), created_at: time },
  { $id: 'Dataset' },
);

export const SHARED_SCHEMAS = [ErrorSchema, TaskSchema, ModelSchema, DatasetSchema] as const;

/** `result` of a finished training. */
export const TrainResult = Type.Object(
  {
    model_id: Type.String(),
    path: Type.String(),
    type: Type.String(),
    extra: Type.String({
      description:
        'JSON: task id, algorithm, of linear models the solver, of trees the objective, warnings',
    }),
    metrics: Type.Unsafe(metrics),
  },
  {
    examples: [
      {
        model_id: 'model-01jkh3v5qy8m2r4t6w8x0z1a3c',
        path: 'results/4bf5…/model.json',
        type: 'json',
        extra: '{"task_id":"4bf5…","algorithm":"logistic_regression"}',
        metrics: { accuracy: 0.95, auc: null },
      },
    ],
  },
);

/** `result` of a finished task that makes a file. */
export const FileResult = Type.Object({
  model_id: Type.Optional(Type.String()),
  path: Type.String(),
  type: Type.String(),
  extra: Type.String({ description: 'JSON: task id, warnings' }),
});

/** What `extra` of an intersection says, beside what every task says there. */
const IntersectionExtra = Type.Object({
  task_id: Type.String(),
  algorithm: Type.Enum(['intersection', 'labelled_intersection']),
  psi_engine: Type.Enum(['ecdh', 'rr22']),
  receivers: Type.Array(Type.String()),
  rows: Type.Integer({ description: 'Records of this node’s own dataset.' }),
  duplicates: Type.Optional(
    Type.Integer({
      description:
        'Of them, those that were left out because an earlier one has their key; where privacy.duplicates is first.',
    }),
  ),
  intersection_size: Type.Optional(
    Type.Integer({ description: 'Common keys; absent where this node is no receiver.' }),
  ),
  warnings: Type.Array(Type.Object({ code: Type.String(), message: Type.String() })),
  attempts: Type.Integer(),
});

/** `result` of a finished set intersection. */
export const IntersectionResult = Type.Object(
  {
    path: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'On the receivers; null where the size alone was asked for: it is in extra.',
    }),
    type: nullable('string'),
    extra: Type.String({
      description: 'JSON: see contentSchema.',
      contentMediaType: 'application/json',
      contentSchema: IntersectionExtra,
    }),
  },
  {
    examples: [
      {
        path: 'results/4bf5…/intersection.csv',
        type: 'csv',
        extra:
          '{"task_id":"4bf5…","algorithm":"intersection","psi_engine":"rr22","receivers":["orgA"],"warnings":[],"rows":30000,"intersection_size":24000,"attempts":1}',
      },
    ],
  },
);

export const AcceptedResult = Type.Object({ task_id: Type.String() });
