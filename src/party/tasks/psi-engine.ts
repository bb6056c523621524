/** Which protocol finds common keys. */
import type { PsiEngine } from '../../protocols/psi/intersection.ts';
import { ApiError } from '../http/api-error.ts';

/** What a request says: an engine, or leave it to the sizes. */
export type EngineWish = 'auto' | PsiEngine;

/**
 * Up to this many rows `auto` is `ecdh`: the other engine's setup takes longer than all of it, and
 * more bytes.
 */
export const MOST_ECDH_ROWS = 2048;

/** What an intersection is of and for. */
export interface MatchingTask {
  readonly holders: number;
  /** Rows of the largest table. */
  readonly rows: number;
  readonly output: 'rows' | 'size';
  /** See `tellsWithKeys`. */
  readonly tells: boolean;
}

/** The engine of a contract. Throws `ApiError` where the one that was asked for cannot do it. */
export function chooseEngine(wish: EngineWish, task: MatchingTask): PsiEngine {
  const only = onlyEngine(task);
  if (wish === 'auto') return only?.engine ?? (task.rows <= MOST_ECDH_ROWS ? 'ecdh' : 'rr22');
  if (only && only.engine !== wish) {
    throw new ApiError(
      'INVALID_REQUEST',
      `${only.why} with ${only.engine} alone, not with ${wish}: leave the engine to auto`,
    );
  }
  return wish;
}

/** The one engine that can do it, if there is only one. */
function onlyEngine({
  holders,
  output,
  tells,
}: MatchingTask): { readonly engine: PsiEngine; readonly why: string } | undefined {
  if (output === 'size') return { engine: 'ecdh', why: 'common records are counted' };
  if (holders > 2) return { engine: 'rr22', why: 'keys of three or more parties are matched' };
  if (tells) return { engine: 'rr22', why: 'one party tells another of common records' };
  return undefined;
}
