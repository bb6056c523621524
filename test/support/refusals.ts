import { equal, rejects, throws } from 'node:assert/strict';
import { ConsensusError, type ConsensusErrorCode } from '../../src/party/consensus/errors.ts';

function hasCode(code: ConsensusErrorCode, at: string): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof ConsensusError)) throw error;
    equal(error.code, code, error.message);
    equal(error.message.startsWith(at), true, `"${error.message}" starts with "${at}"`);
    return true;
  };
}

/** Asserts a refusal by code and, where `at` is given, by the field that the message opens with. */
export function refuses(run: () => unknown, code: ConsensusErrorCode, at = ''): void {
  throws(run, hasCode(code, at));
}

export async function refusesAsync(
  run: Promise<unknown>,
  code: ConsensusErrorCode,
  at = '',
): Promise<void> {
  await rejects(run, hasCode(code, at));
}
