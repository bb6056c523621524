/** How the fields of a set intersection go together, in the words of its request. */
import type { Alignment, PsiContract } from '../consensus/contract.ts';
import { tellsWithKeys } from '../consensus/intersection-check.ts';
import type { EngineWish } from '../tasks/psi-engine.ts';
import { ApiError } from './api-error.ts';

/** What a request says of the intersection itself. */
export interface PsiTerms {
  /** In the order of the contract: the requester first. */
  readonly providers: readonly {
    readonly name: string;
    /** Columns whose values the receiver learns of common records: then it is a labelled one. */
    readonly payload: readonly string[];
  }[];
  /** Some of the providers. */
  readonly receivers: readonly string[];
  readonly engine: EngineWish;
  readonly output: PsiContract['parameters']['output'];
  readonly join: PsiContract['parameters']['join'];
  readonly duplicates: Alignment['duplicates'];
}

/** Refuses terms that no set intersection meets. Throws `INVALID_REQUEST` naming the field. */
export function checkPsiRules(terms: PsiTerms): void {
  const { providers, receivers, engine, output, join, duplicates } = terms;
  const requester = providers[0]!.name;
  const labelled = providers.some(({ payload }) => payload.length > 0);
  const many = providers.length > 2;
  const size = output === 'size';
  const joined = join !== 'inner';
  const expanded = duplicates === 'expand';
  const told = tellsWithKeys({ labelled, duplicates, join, receivers });
  const refusals: readonly (readonly [refused: boolean, message: string])[] = [
    [
      labelled && size,
      'output must be rows in a labelled intersection: its result is the values of common records',
    ],
    [
      many && size,
      'output must be rows with three or more parties: nothing counts their common keys without telling which they are',
    ],
    [
      size && providers.some(({ name }) => !receivers.includes(name)),
      'output size tells both parties: leave out who receives it, or set result_recv_type to 2',
    ],
    [
      labelled && joined,
      'join must be inner in a labelled intersection: only common records have values of both parties',
    ],
    [
      many && joined,
      'join must be inner with three or more parties: the others are of a left and a right one',
    ],
    [
      size && joined,
      'join must be inner with output size: it says which records are in the file, and there is none',
    ],
    [
      labelled && expanded,
      'privacy.duplicates must be reject or first in a labelled intersection: a key brings the values of one record',
    ],
    [
      many && expanded,
      'privacy.duplicates must be reject or first with three or more parties: expand makes pairs of two parties’ records',
    ],
    [
      size && expanded,
      'privacy.duplicates must be reject or first with output size: it counts keys, not records',
    ],
    [
      size && engine === 'rr22',
      'algo_type must be auto or DH with output size: keys are counted by Diffie-Hellman alone',
    ],
    [
      many && engine === 'ecdh',
      'algo_type must be auto or RR22 with three or more parties: DH is of two',
    ],
    [
      labelled && engine === 'ecdh',
      'algo_type must be auto or RR22 in a labelled intersection: DH carries no values',
    ],
    [
      told && engine === 'ecdh',
      'algo_type must be auto or RR22 where privacy.duplicates is expand and one party alone receives: by DH the other one cannot tell how many records it has of a key',
    ],
    [
      labelled && !receivers.includes(requester),
      `result_receivers must name ${requester}, the requester: the columns are for it`,
    ],
  ];
  for (const [refused, message] of refusals) {
    if (refused) throw new ApiError('INVALID_REQUEST', message);
  }
}
