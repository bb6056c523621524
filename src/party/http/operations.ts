/** Every operation of the HTTP surface, and who may call it. Routes, guards, metrics and OpenAPI read it. */
import type { Role } from '../tokens.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

export interface Operation {
  readonly method: Method;
  /** `:id` is a parameter. */
  readonly path: string;
  /** The same operation without a prefix, as the contract names it. */
  readonly alias?: string;
  /** `anyone` needs no token. */
  readonly access: readonly Role[] | 'anyone';
  /** Which API it belongs to, for metrics: A is the one of joint tasks. */
  readonly surface: 'A' | 'node';
  readonly summary: string;
  /** A POST without one may come without a body. */
  readonly body?: true;
  /** Honours `Idempotency-Key`. */
  readonly idempotent?: true;
  /** The response lasts; neither HEAD nor a time is of use. */
  readonly stream?: true;
  /** The response is a file that is made while it is sent, and recorded: no HEAD. */
  readonly download?: true;
  /** Not counted by the limit of calls: probes and scrapers come by the clock. */
  readonly unlimited?: true;
}

const SUBMIT: readonly Role[] = ['coordinator', 'admin'];
const READ: readonly Role[] = ['coordinator', 'auditor', 'admin'];
const AUDIT: readonly Role[] = ['auditor', 'admin'];
const ADMIN: readonly Role[] = ['admin'];

/** An operation that creates a task. */
function task(name: string, summary: string): Operation {
  return {
    method: 'POST',
    path: `/api/v1/${name}`,
    alias: `/${name}`,
    access: SUBMIT,
    surface: 'A',
    summary,
    body: true,
    idempotent: true,
  };
}

/** An operation that asks who has which data. */
function catalog(name: string, summary: string): Operation {
  return {
    method: 'GET',
    path: `/api/v1/${name}`,
    alias: `/${name}`,
    access: READ,
    surface: 'A',
    summary,
  };
}

function node(
  method: Method,
  path: string,
  access: Operation['access'],
  summary: string,
  more: Pick<Operation, 'body' | 'idempotent' | 'stream' | 'download' | 'unlimited'> = {},
): Operation {
  return { method, path, access, surface: 'node', summary, ...more };
}

export const OPERATIONS = {
  runModelTrainTask: task('runModelTrainTask', 'Train a model jointly'),
  runModelPredictTask: task('runModelPredictTask', 'Score records jointly with a trained model'),
  runPSITask: task('runPSITask', 'Find the records that two or more parties have in common'),
  runLabeledPSITask: task(
    'runLabeledPSITask',
    'Learn columns of another party for the records in common',
  ),

  getDataProviders: catalog('getDataProviders', 'The parties this node knows, itself first'),
  getDataPath: catalog('getDataPath', 'The datasets of a party that its policy shows'),
  getMetaData: catalog('getMetaData', 'Type, size and columns of a dataset'),

  listTasks: node('GET', '/api/v1/tasks', READ, 'Tasks, newest first'),
  getTask: node('GET', '/api/v1/tasks/:id', READ, 'One task'),
  getTaskEvents: node(
    'GET',
    '/api/v1/tasks/:id/events',
    READ,
    'What happens to a task, as server-sent events',
    { stream: true },
  ),
  cancelTask: node('POST', '/api/v1/tasks/:id/cancel', SUBMIT, 'End a task at every party'),
  approveTask: node('POST', '/api/v1/tasks/:id/approve', ADMIN, 'Let this node vote for a task'),

  listModels: node('GET', '/api/v1/models', READ, 'Models and parts of models here, oldest first'),
  getModel: node('GET', '/api/v1/models/:id', READ, 'One model'),
  getModelDocument: node(
    'GET',
    '/api/v1/models/:id/document',
    READ,
    'A released model with its weights',
  ),

  registerDataset: node('POST', '/api/v1/datasets', ADMIN, 'Give one of this node’s files a name', {
    body: true,
    idempotent: true,
  }),
  listDatasets: node('GET', '/api/v1/datasets', READ, 'Registered datasets'),
  unregisterDataset: node('DELETE', '/api/v1/datasets/:name', ADMIN, 'Take a name away again'),

  listPeers: node('GET', '/api/v1/peers', AUDIT, 'The peers this node has pinned'),
  reloadPeers: node('POST', '/api/v1/peers/reload', ADMIN, 'Read the peers from the configuration'),

  getAuditCheckpoint: node(
    'GET',
    '/api/v1/audit/checkpoint',
    AUDIT,
    'The audit log’s signed state',
  ),
  listAuditEntries: node('GET', '/api/v1/audit/entries', AUDIT, 'Entries of the audit log, a page'),
  getAuditProof: node(
    'GET',
    '/api/v1/audit/proofs',
    AUDIT,
    'That an entry is in the log, or that the log continues an earlier state',
  ),
  getTaskEvidence: node(
    'GET',
    '/api/v1/audit/tasks/:id/bundle',
    AUDIT,
    'Evidence of a task, as a file that can be verified offline',
    { download: true },
  ),
  getLogEvidence: node('GET', '/api/v1/audit/bundle', AUDIT, 'The whole audit log as a file', {
    download: true,
  }),
  cosignCheckpoint: node(
    'POST',
    '/api/v1/audit/cosignatures',
    AUDIT,
    'A witness confirms a state of the log',
    { body: true },
  ),

  createToken: node('POST', '/api/v1/tokens', ADMIN, 'A new token, shown once', { body: true }),
  listTokens: node('GET', '/api/v1/tokens', ADMIN, 'Tokens, without their secrets'),
  revokeToken: node('DELETE', '/api/v1/tokens/:id', ADMIN, 'Refuse a token from now on'),

  getHealth: node('GET', '/healthz', 'anyone', 'Whether the process answers', { unlimited: true }),
  getLiveness: node('GET', '/livez', 'anyone', 'Whether the process answers', { unlimited: true }),
  getReadiness: node('GET', '/readyz', 'anyone', 'Whether the node can take tasks', {
    unlimited: true,
  }),
  getMetrics: node('GET', '/metrics', AUDIT, 'Figures for Prometheus', { unlimited: true }),
  getOpenApi: node('GET', '/openapi.json', 'anyone', 'This description'),
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationId = keyof typeof OPERATIONS;

export const OPERATION_IDS = Object.keys(OPERATIONS) as readonly OperationId[];

export function operationOf(id: OperationId): Operation {
  return OPERATIONS[id];
}

/** The paths of an operation, the one under `/api/v1` first. */
export function pathsOf({ path, alias }: Operation): readonly string[] {
  return alias === undefined ? [path] : [path, alias];
}
