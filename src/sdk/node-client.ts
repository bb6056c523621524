/** Client of a node's HTTP interface. Depends on nothing of the node: only on `fetch`. */
import { readEvents } from './event-stream.ts';
import {
  delay,
  type NodeClientOptions,
  NodeHttp,
  NodeRequestError,
  wasInterrupted,
} from './node-http.ts';
import type {
  DatasetMetadata,
  DatasetView,
  FileResult,
  IntersectionResult,
  LabeledPsiTaskRequest,
  ModelView,
  PeerView,
  PredictTaskRequest,
  PsiTaskRequest,
  TaskEvent,
  TaskFilter,
  TaskPage,
  TaskView,
  TokenView,
  TrainTaskRequest,
  TrainTaskResult,
} from './node-types.ts';

export { type NodeClientOptions, NodeRequestError } from './node-http.ts';
export type * from './node-types.ts';

export interface CreateOptions {
  /** The same key with the same request makes one thing only; by default a new key for each call. */
  readonly idempotencyKey?: string;
}

export interface WaitOptions {
  /** Sees every view. */
  readonly onView?: (view: TaskView) => void;
  /** Between two questions; when absent they become rarer from 0.2 to 2 s. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

const INTERVAL_MS = 200;
const MAX_INTERVAL_MS = 2000;
const RECONNECT_MS = 1000;
/** Connections in a row that brought no event before the stream is given up. */
const MAX_RECONNECTS = 10;

/** Calls of one node. Every method throws `NodeRequestError` when the node answers with an error. */
export class NodeClient {
  readonly #http: NodeHttp;

  constructor(options: NodeClientOptions) {
    this.#http = new NodeHttp(options);
  }

  /**
   * Trains and waits for the result, however long it takes: it asks for the task's state, so that no
   * time-out of a single call matters.
   */
  async runModelTrainTask(request: TrainTaskRequest): Promise<TrainTaskResult> {
    const { model_id, metrics, ...file } = await this.#finished(this.submitTrainTask(request));
    return { model_id: model_id!, ...file, metrics };
  }

  /** As `runModelTrainTask`; the result is a file of scores at the receivers. */
  async runModelPredictTask(
    request: PredictTaskRequest,
  ): Promise<FileResult & { readonly model_id: string }> {
    const { model_id, path, type, extra } = await this.#finished(this.submitPredictTask(request));
    return { model_id: model_id!, path, type, extra };
  }

  /** As `runModelTrainTask`; the result is a file of the common records at the receivers. */
  runPsiTask(request: PsiTaskRequest): Promise<IntersectionResult> {
    return this.#intersected(this.submitPsiTask(request));
  }

  /** As `runPsiTask`; the requester's file has the provider's columns, too. */
  runLabeledPsiTask(request: LabeledPsiTaskRequest): Promise<IntersectionResult> {
    return this.#intersected(this.submitLabeledPsiTask(request));
  }

  /** Submits a training and returns its task id at once. */
  submitTrainTask(request: TrainTaskRequest | object, options?: CreateOptions): Promise<string> {
    return this.#submit('/runModelTrainTask', request, options);
  }

  submitPredictTask(
    request: PredictTaskRequest | object,
    options?: CreateOptions,
  ): Promise<string> {
    return this.#submit('/runModelPredictTask', request, options);
  }

  submitPsiTask(request: PsiTaskRequest | object, options?: CreateOptions): Promise<string> {
    return this.#submit('/runPSITask', request, options);
  }

  submitLabeledPsiTask(
    request: LabeledPsiTaskRequest | object,
    options?: CreateOptions,
  ): Promise<string> {
    return this.#submit('/runLabeledPSITask', request, options);
  }

  task(taskId: string): Promise<TaskView> {
    return this.#http.call('GET', `/api/v1/tasks/${segment(taskId)}`);
  }

  taskPage(
    query: TaskFilter & { readonly limit?: number; readonly after?: string } = {},
  ): Promise<TaskPage> {
    return this.#http.call('GET', '/api/v1/tasks', { query });
  }

  /** The newest tasks, at most `limit`, over as many pages as it takes. */
  async listTasks({
    limit = 50,
    ...filter
  }: TaskFilter & { readonly limit?: number } = {}): Promise<readonly TaskView[]> {
    const found: TaskView[] = [];
    let after: string | null = null;
    do {
      const size = Math.min(limit - found.length, 200);
      const page: TaskPage = await this.taskPage({
        ...filter,
        limit: size,
        ...(after !== null && { after }),
      });
      found.push(...page.tasks);
      after = page.next;
    } while (after !== null && found.length < limit);
    return found;
  }

  /** Asks for a task's end at every party; the view says how far that is. */
  cancelTask(taskId: string): Promise<TaskView> {
    return this.#http.call('POST', `/api/v1/tasks/${segment(taskId)}/cancel`);
  }

  approveTask(taskId: string): Promise<TaskView> {
    return this.#http.call('POST', `/api/v1/tasks/${segment(taskId)}/approve`);
  }

  /**
   * A task's events after the one with id `after`, live, until its end. A broken connection is made
   * again, from where it was.
   */
  async *taskEvents(
    taskId: string,
    { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TaskEvent> {
    let last = after;
    let delayMs = RECONNECT_MS;
    for (let failures = 0; ; failures++) {
      try {
        const response = await this.#http.open(`/api/v1/tasks/${segment(taskId)}/events`, {
          headers: { accept: 'text/event-stream', 'last-event-id': String(last) },
          ...(signal && { signal }),
        });
        const events = readEvents(response.body!, { onRetry: (ms) => (delayMs = ms) });
        for await (const { id, type, data } of events) {
          failures = 0;
          last = Number(id);
          const { time, ...task } = JSON.parse(data) as TaskView & { readonly time: string };
          yield { id: last, type: type as TaskEvent['type'], time, task };
          if (type === 'end') return;
        }
      } catch (error) {
        if (signal?.aborted || (error instanceof NodeRequestError && error.status !== 0))
          throw error;
        if (failures >= MAX_RECONNECTS) throw this.#http.noAnswer(error);
      }
      if (failures >= MAX_RECONNECTS) throw this.#http.noAnswer();
      await delay(delayMs, signal);
    }
  }

  /** Asks until the task has ended, in whatever way. Throws the signal's reason when it is aborted. */
  async followTask(
    taskId: string,
    { onView = () => undefined, intervalMs, signal }: WaitOptions = {},
  ): Promise<TaskView> {
    for (let waitMs = INTERVAL_MS; ; waitMs = Math.min(waitMs * 1.2, MAX_INTERVAL_MS)) {
      const view = await this.task(taskId);
      onView(view);
      if (view.finished_at !== null) return view;
      await delay(intervalMs ?? waitMs, signal);
    }
  }

  /** As `followTask`, and throws when the task did not complete. */
  async waitForTask(taskId: string, options?: WaitOptions): Promise<TaskView> {
    const view = await this.followTask(taskId, options);
    if (view.state === 'completed') return view;
    const { status, code, message } = view.error!;
    throw new NodeRequestError(status, message, { code });
  }

  async models(): Promise<readonly ModelView[]> {
    return (await this.#http.call<{ models: ModelView[] }>('GET', '/api/v1/models')).models;
  }

  model(modelId: string): Promise<ModelView> {
    return this.#http.call('GET', `/api/v1/models/${segment(modelId)}`);
  }

  /** A released model, as in its file. */
  async modelDocument(modelId: string): Promise<object> {
    return JSON.parse(await this.modelFile(modelId)) as object;
  }

  /** The text of a released model's file: of a forest one that XGBoost loads, which no other text need be. */
  async modelFile(modelId: string): Promise<string> {
    const path = `/api/v1/models/${segment(modelId)}/document`;
    return (await this.#http.open(path)).text();
  }

  /** The parties that this node knows, itself first. */
  async dataProviders(): Promise<readonly string[]> {
    const result = await this.#http.call<{ data_providers: string[] }>('GET', '/getDataProviders');
    return result.data_providers;
  }

  async dataPaths(provider: string): Promise<readonly string[]> {
    const query = { data_provider: provider };
    return (await this.#http.call<{ data_path: string[] }>('GET', '/getDataPath', { query }))
      .data_path;
  }

  async metadata(provider: string, path: string): Promise<DatasetMetadata> {
    const query = { data_provider: provider, data_path: path };
    const { data_type, rows_num, columns } = await this.#http.call<{
      data_type: string;
      rows_num: number;
      columns: DatasetMetadata['columns'];
    }>('GET', '/getMetaData', { query });
    return { type: data_type, rows: rows_num, columns };
  }

  async datasets(): Promise<readonly DatasetView[]> {
    return (await this.#http.call<{ datasets: DatasetView[] }>('GET', '/api/v1/datasets')).datasets;
  }

  /** Names one of the node's files. */
  registerDataset(
    name: string,
    path: string,
    type: string,
    options?: CreateOptions,
  ): Promise<DatasetView> {
    return this.#create('/api/v1/datasets', { name, path, type }, options);
  }

  async removeDataset(name: string): Promise<void> {
    await this.#http.call('DELETE', `/api/v1/datasets/${segment(name)}`);
  }

  /** The entries of the audit log about a task, in order, each in canonical JSON. */
  async *taskEntries(taskId: string): AsyncGenerator<string> {
    for (let from: number | null = 0; from !== null; ) {
      const page: {
        readonly entries: readonly { readonly entry: string }[];
        readonly next: number | null;
      } = await this.#http.call('GET', '/api/v1/audit/entries', {
        query: { task: taskId, from, limit: 1000 },
      });
      for (const { entry } of page.entries) yield entry;
      from = page.next;
    }
  }

  /**
   * The evidence of a task as a stream of bytes, JSON Lines; of the whole audit log without a task.
   *
   * @param openings - With what opens commitments.
   * @param unclosed - As it is, also while other parties are still to sign how the task ended.
   */
  async evidence(
    taskId: string | null,
    {
      openings = false,
      unclosed = false,
    }: { readonly openings?: boolean; readonly unclosed?: boolean } = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const path =
      taskId === null
        ? '/api/v1/audit/bundle'
        : `/api/v1/audit/tasks/${segment(taskId)}/bundle?openings=${openings}&unclosed=${unclosed}`;
    return (await this.#http.open(path)).body!;
  }

  async peers(): Promise<readonly PeerView[]> {
    return (await this.#http.call<{ peers: PeerView[] }>('GET', '/api/v1/peers')).peers;
  }

  /** Has the node read its peers from the configuration again. */
  async reloadPeers(): Promise<readonly PeerView[]> {
    return (await this.#http.call<{ peers: PeerView[] }>('POST', '/api/v1/peers/reload')).peers;
  }

  async tokens(): Promise<readonly TokenView[]> {
    return (await this.#http.call<{ tokens: TokenView[] }>('GET', '/api/v1/tokens')).tokens;
  }

  createToken(
    role: string,
    label = '',
  ): Promise<{ readonly token: string; readonly id: string; readonly role: string }> {
    return this.#http.call('POST', '/api/v1/tokens', { body: { role, label } });
  }

  async revokeToken(id: string): Promise<void> {
    await this.#http.call('DELETE', `/api/v1/tokens/${segment(id)}`);
  }

  /** Whether the node answers. */
  async isHealthy(): Promise<boolean> {
    return this.#http.answers('/healthz');
  }

  async #submit(path: string, request: object, options?: CreateOptions): Promise<string> {
    const body = { ...request, async: true };
    return (await this.#create<{ task_id: string }>(path, body, options)).task_id;
  }

  /** A call that makes something: with its key, an answer that was lost on the way can be asked again. */
  async #create<T>(path: string, body: object, options: CreateOptions = {}): Promise<T> {
    const key = options.idempotencyKey ?? crypto.randomUUID();
    const call = { body, headers: { 'idempotency-key': key } };
    try {
      return await this.#http.call('POST', path, call);
    } catch (error) {
      if (!wasInterrupted(error)) throw error;
      return this.#http.call('POST', path, call);
    }
  }

  async #intersected(submitted: Promise<string>): Promise<IntersectionResult> {
    const { path, type, extra } = await this.waitForTask(await submitted);
    return { path, type, extra: extra! };
  }

  async #finished(submitted: Promise<string>): Promise<
    FileResult & {
      readonly model_id: string | null;
      readonly metrics: Readonly<Record<string, number | null>>;
    }
  > {
    const view = await this.waitForTask(await submitted);
    const { model_id, path, type, extra, metrics } = view;
    return { model_id, path: path!, type: type!, extra: extra!, metrics: metrics! };
  }
}

/** A part of a path. */
function segment(text: string): string {
  return encodeURIComponent(text);
}
