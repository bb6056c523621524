import { ANSWER_TIMEOUT_MS, DATA_TIMEOUT_MS } from '../consensus/wire.ts';
import { DatasetError } from '../datasets/dataset-error.ts';
import { SessionError } from '../errors.ts';
import { ApiError } from '../http/api-error.ts';
import type { CatalogService } from '../http/services.ts';
import type { CallOptions, ControlClient, ControlMethod } from '../transport/control.ts';
import type { LocalCatalog } from './local-catalog.ts';
import { CatalogFormatError, decodeMetadata, decodePaths, METHODS } from './wire.ts';

export interface CatalogDeps {
  /** This node's name. */
  readonly me: string;
  readonly local: LocalCatalog;
  readonly peers: ControlClient;
  /** The names of the pinned peers, now. */
  readonly peerNames: () => readonly string[];
}

/** The datasets of this node and, as far as they let it see, of its peers. */
export function createCatalog({ me, local, peers, peerNames }: CatalogDeps): CatalogService {
  /** One peer's answer, decoded. Whatever is wrong with it becomes an `ApiError` that names the peer. */
  async function ask<Request, Response, T>(
    peer: string,
    method: ControlMethod<Request, Response>,
    request: Request,
    decode: (response: Response) => T,
    options: CallOptions,
  ): Promise<T> {
    if (!peerNames().includes(peer)) {
      throw new ApiError('UNKNOWN_PARTY', `${peer} is neither this node nor one of its peers`);
    }
    try {
      return decode(await peers.call(peer, method, request, options));
    } catch (cause) {
      throw asApiError(peer, cause);
    }
  }

  return {
    providers: () => [me, ...peerNames()],

    async paths(provider) {
      if (provider === me) return local.paths();
      return ask(provider, METHODS.paths, {}, decodePaths, { timeoutMs: ANSWER_TIMEOUT_MS });
    },

    async metadata(provider, path) {
      if (provider === me) return orUnusable(() => local.metadata(path));
      const options = { timeoutMs: DATA_TIMEOUT_MS };
      const answer = await ask(provider, METHODS.metadata, { path }, decodeMetadata, options);
      if (typeof answer !== 'string') return answer;
      if (answer === 'refused') {
        const what = 'does not exist, or its policy does not let this node use it';
        throw new ApiError('REFUSED', `${provider} has no such dataset for this node: it ${what}`);
      }
      if (answer === 'busy') {
        const what = 'still answers an earlier question of this node; ask again later';
        throw new ApiError('BUSY', `${provider} ${what}`);
      }
      throw new ApiError('DATASET_UNUSABLE', `${provider}: the dataset is not usable (${answer})`);
    },

    register: (name, path, type) => orUnusable(() => local.register(name, path, type)),
    unregister: (name) => local.unregister(name),
    registered: () => local.registered(),
  };
}

/** This node's own data may be named in messages to its own callers. */
async function orUnusable<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (cause) {
    if (!(cause instanceof DatasetError)) throw cause;
    throw new ApiError('DATASET_UNUSABLE', cause.message, { cause });
  }
}

function asApiError(peer: string, cause: unknown): unknown {
  if (cause instanceof CatalogFormatError) {
    return new ApiError('FAILED', `${peer} answered in a form that is none`, { cause });
  }
  if (!(cause instanceof SessionError)) return cause;
  switch (cause.code) {
    case 'UNKNOWN_PEER':
      return new ApiError('UNKNOWN_PARTY', `${peer} is no peer of this node`, { cause });
    case 'TIMED_OUT':
      return new ApiError('UNREACHABLE', `${peer} did not answer in time`, { cause });
    case 'PEER_FAILED':
    case 'MALFORMED':
    case 'UNKNOWN_METHOD':
      return new ApiError('FAILED', `${peer} could not answer; its log says why`, { cause });
    default:
      return new ApiError('UNREACHABLE', `${peer} cannot be reached`, { cause });
  }
}
