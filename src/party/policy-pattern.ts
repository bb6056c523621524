/** The patterns of policy rules. */
import { referencedName } from './datasets/registered-name.ts';

/** The first of `texts` that no pattern matches. */
export function unmatched(
  patterns: readonly string[],
  texts: readonly string[],
): string | undefined {
  const matches = matcher(patterns);
  return texts.find((text) => !matches(text));
}

/**
 * Paths that could name a file in another place than they read match no pattern: `credit/../x` is not
 * below `credit`.
 */
export function matchesPath(patterns: readonly string[], path: string): boolean {
  const segments = path.replace(/^\//, '').split('/');
  if (path.includes('\\') || segments.some((segment) => ['', '.', '..'].includes(segment))) {
    return false;
  }
  const registered = referencedName(path) !== undefined;
  const ofKind = patterns.filter((each) => (referencedName(each) !== undefined) === registered);
  return matcher(ofKind, '[^/]*')(path);
}

export type Predicate = (text: string) => boolean;

const ANY = '[^]*';

/** Whether a text is matched by one of the patterns. `star`: the expression that `*` stands for. */
export function matcher(patterns: readonly string[], star: string = ANY): Predicate {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split(/(\*+)/).map((part) => {
      if (part.startsWith('*')) return part === '*' ? star : ANY;
      return part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&');
    });
    return new RegExp(`^${parts.join('')}$`, 'u');
  });
  return (text) => expressions.some((expression) => expression.test(text));
}
