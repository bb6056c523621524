/** Client of a node's HTTP interface. Depends on nothing of the node: only on `fetch`. */

/** Body of `runModelTrainTask`. Field names are the interface's. */
export interface TrainTaskRequest {
  readonly data_providers: readonly {
    readonly name: string;
    readonly data_path: string;
    readonly data_type: string;
    readonly label_column?: string;
    readonly key_column?: string;
    readonly select_columns?: readonly string[];
    readonly discrete_cols?: readonly string[];
  }[];
  readonly result_receivers: readonly string[];
  readonly algorithm?: string;
  readonly hyper_params?: Readonly<Record<string, unknown>>;
  readonly metrics?: readonly string[];
  readonly privacy?: Readonly<Record<string, unknown>>;
  readonly purpose?: string;
  readonly label_owner?: string;
}

/** `result` of a finished training task. */
export interface TrainTaskResult {
  readonly model_id: string;
  /** Relative to the receivers' result directory. */
  readonly path: string;
  readonly type: string;
  /** JSON: task id, resolved algorithm, warnings, timings. */
  readonly extra: string;
  readonly metrics: Readonly<Record<string, number | null>>;
}

/** `result` of a task's view. */
export interface TaskView {
  readonly task_id: string;
  readonly state: 'pending' | 'running' | 'stopping' | 'completed' | 'failed' | 'cancelled';
  readonly phase: string;
  readonly progress: {
    readonly percentage: number;
    readonly iteration: number | null;
    readonly iterations: number | null;
  };
  readonly model_id: string | null;
  readonly path: string | null;
  readonly type: string | null;
  readonly extra: string | null;
  readonly metrics: Readonly<Record<string, number | null>> | null;
  readonly error: {
    readonly status: number;
    readonly code: string;
    readonly message: string;
  } | null;
}

/** An answer of the node that is not a success, or none at all. */
export class NodeRequestError extends Error {
  /** HTTP status; 0 when the node did not answer. */
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NodeRequestError';
    this.status = status;
  }
}

export interface NodeClientOptions {
  /** e.g. `http://127.0.0.1:7080` */
  readonly url: string;
  readonly token?: string;
}

/** Calls of one node. Every method throws `NodeRequestError` when the node answers with an error. */
export class NodeClient {
  readonly #options: NodeClientOptions;

  constructor(options: NodeClientOptions) {
    this.#options = options;
  }

  /**
   * Trains and waits for the result, however long it takes: it asks for the task's state, so that no
   * time-out of a single call matters.
   */
  async runModelTrainTask(request: TrainTaskRequest): Promise<TrainTaskResult> {
    const view = await this.waitForTask(await this.submitTrainTask(request));
    return {
      model_id: view.model_id!,
      path: view.path!,
      type: view.type!,
      extra: view.extra!,
      metrics: view.metrics!,
    };
  }

  /** Submits a training and returns its task id at once. */
  async submitTrainTask(request: TrainTaskRequest): Promise<string> {
    const body = { ...request, async: true };
    const { task_id } = (await this.#call('POST', '/runModelTrainTask', body)) as {
      task_id: string;
    };
    return task_id;
  }

  async task(taskId: string): Promise<TaskView> {
    return (await this.#call('GET', `/api/v1/tasks/${taskId}`)) as TaskView;
  }

  /** Polls until the task has ended; `onView` sees every view. Throws when it did not complete. */
  async waitForTask(
    taskId: string,
    onView: (view: TaskView) => void = () => undefined,
    intervalMs = 200,
  ): Promise<TaskView> {
    for (;;) {
      const view = await this.task(taskId);
      onView(view);
      if (view.state === 'completed') return view;
      if (view.error) throw new NodeRequestError(view.error.status, view.error.message);
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  }

  /** Whether the node answers. */
  async isHealthy(): Promise<boolean> {
    try {
      return (await fetch(new URL('/healthz', this.#options.url))).ok;
    } catch {
      return false;
    }
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const { url, token } = this.#options;
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new NodeRequestError(0, `no node answers at ${url}`, { cause });
    });
    const reply = await response.json().catch((cause: unknown) => {
      throw new NodeRequestError(response.status, `${url} does not answer as a node`, { cause });
    });
    const { result, msg } = reply as { result: unknown; msg: string };
    if (!response.ok) throw new NodeRequestError(response.status, msg);
    return result;
  }
}
