/** Requests to a node and what its answers mean. */

/** An answer of the node that is not a success, or none at all. */
export class NodeRequestError extends Error {
  /** HTTP status; 0 when the node did not answer. */
  readonly status: number;
  /** The node's own code, e.g. `REFUSED`; null when it gave none. */
  readonly code: string | null;

  constructor(
    status: number,
    message: string,
    { code = null, ...options }: ErrorOptions & { readonly code?: string | null } = {},
  ) {
    super(message, options);
    this.name = 'NodeRequestError';
    this.status = status;
    this.code = code;
  }
}

export interface NodeClientOptions {
  /** e.g. `http://127.0.0.1:7080` */
  readonly url: string;
  readonly token?: string;
}

export interface NodeCall {
  readonly body?: object;
  readonly query?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One node's address, and what every request to it has in common. */
export class NodeHttp {
  readonly #options: NodeClientOptions;

  constructor(options: NodeClientOptions) {
    this.#options = options;
  }

  async answers(path: string): Promise<boolean> {
    try {
      return (await fetch(new URL(path, this.#options.url))).ok;
    } catch {
      return false;
    }
  }

  /** The `result` of a successful answer. */
  async call<T>(method: string, path: string, call: NodeCall = {}): Promise<T> {
    const response = await this.#fetch(method, path, call);
    return ((await this.#json(response)) as { result: T }).result;
  }

  /** A successful response whose body is not the usual one. */
  async open(
    path: string,
    init: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<Response> {
    const response = await this.#fetch('GET', path, init);
    if (!response.ok) await this.#json(response);
    return response;
  }

  async #fetch(
    method: string,
    path: string,
    { body, query = {}, headers, signal }: NodeCall & { readonly signal?: AbortSignal },
  ): Promise<Response> {
    const { url, token } = this.#options;
    const target = new URL(path, url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    return fetch(target, {
      method,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    }).catch((cause: unknown) => {
      throw signal?.aborted ? cause : this.noAnswer(cause);
    });
  }

  /** The JSON of a response, if it is a success. */
  async #json(response: Response): Promise<unknown> {
    const reply = await response.json().catch((cause: unknown) => {
      const message = `${this.#options.url} does not answer as a node`;
      throw new NodeRequestError(response.status, message, { cause });
    });
    if (response.ok) return reply;
    const { msg, code = null } = reply as { msg: string; code?: string };
    throw new NodeRequestError(response.status, msg, { code });
  }

  noAnswer(cause?: unknown): NodeRequestError {
    return new NodeRequestError(0, `no node answers at ${this.#options.url}`, { cause });
  }
}

/** Whether a connection broke that had been made, so that the node may have got the request. */
export function wasInterrupted(error: unknown): boolean {
  if (!(error instanceof NodeRequestError) || error.status !== 0) return false;
  const { cause } = (error.cause ?? {}) as { readonly cause?: { readonly code?: string } };
  return cause?.code === 'ECONNRESET' || cause?.code === 'UND_ERR_SOCKET';
}

/** Resolves after a time; rejects with the signal's reason when it is aborted before. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
