import { MAX_DEPTH } from '../consensus/canonical-json.ts';
import { ApiError } from './api-error.ts';
import type { App } from './api-reply.ts';
import { operationOf } from './operations.ts';

/** Below what signed documents allow, into which parts of a body go. */
const MAX_BODY_DEPTH = MAX_DEPTH - 8;

/**
 * Bodies are JSON, and such that every part could be signed: not nested deeply, text that is Unicode,
 * numbers that are finite. Only operations without a body may be called without one.
 */
export function readJsonBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') {
      const { operation } = request.routeOptions.config;
      const needed = operation === undefined || operationOf(operation).body === true;
      if (!needed) done(null, undefined);
      else done(new ApiError('INVALID_REQUEST', 'the request body is empty'));
      return;
    }
    void parse(request, body as string, (error, value) => {
      if (error) {
        done(new ApiError('INVALID_REQUEST', 'the request body is not valid JSON'));
        return;
      }
      const problem = problemOf(value, MAX_BODY_DEPTH);
      if (problem === null) done(null, value);
      else done(new ApiError('INVALID_REQUEST', `the request body ${problem}`));
    });
  });
}

/** What is wrong with a value of `JSON.parse`; null when nothing is. */
function problemOf(value: unknown, depth: number): string | null {
  if (typeof value === 'string') {
    return /\p{Surrogate}/u.test(value) ? 'has text that is not Unicode' : null;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : 'has a number that is too large';
  }
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) return 'is nested too deeply';
  for (const [key, member] of Object.entries(value)) {
    const problem = problemOf(key, depth) ?? problemOf(member, depth - 1);
    if (problem !== null) return problem;
  }
  return null;
}
