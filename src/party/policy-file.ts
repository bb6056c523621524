import { readFile, stat } from 'node:fs/promises';
import { Errors } from 'typebox/value';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { endOf, type Policy, PolicySchema } from './policy-rule.ts';

/** Largest policy file. Own choice; thousands of rules fit. */
const MAX_POLICY_BYTES = 1 << 20;

/** A policy that cannot be used. It lists everything that is wrong, each with its line. */
export class PolicyError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'PolicyError';
    this.problems = problems;
  }
}

/** Where a node's policy comes from. Asked at every decision, so a change needs no restart. */
export type PolicySource = () => Promise<Policy>;

/**
 * The policy in a file, read anew each time: decisions are rare and the file is small. A file that is
 * missing or wrong rejects with `PolicyError`, and nothing is allowed until it is repaired.
 */
export function policyFile(path: string): PolicySource {
  return async () => {
    let text: string;
    try {
      const { size } = await stat(path);
      if (size > MAX_POLICY_BYTES) throw new RangeError(`${size} bytes`);
      text = await readFile(path, 'utf8');
    } catch (cause) {
      throw new PolicyError([`${path}: cannot be read`], { cause });
    }
    return parsePolicy(text, path);
  };
}

/** A policy from its YAML text. Throws `PolicyError`; `name` is how its messages call the file. */
export function parsePolicy(text: string, name = 'policy'): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', prettyErrors: false });
  const at = (offset: number): string => `${name}:${lines.linePos(offset).line}`;

  const problems = [...document.errors, ...document.warnings].map(
    ({ pos, message }) => `${at(pos[0])}: ${message}`,
  );
  visit(document, {
    // An alias makes one list look like two; a rule is to be read where it stands.
    Alias: (_, node) => void problems.push(`${at(node.range![0])}: aliases are not allowed`),
  });
  if (problems.length > 0) throw new PolicyError(problems);

  const value: unknown = document.toJS();
  const errors = Errors(PolicySchema, value);
  if (errors.length === 0) {
    const policy = value as Policy;
    const undated = policy.rules.flatMap(({ expires }, i) => {
      const path = ['rules', `${i}`, 'expires'];
      const real = expires === undefined || !Number.isNaN(endOf(expires));
      return real ? [] : [`${at(offsetOf(document, path))}: ${path.join('.')} is no date`];
    });
    if (undated.length > 0) throw new PolicyError(undated);
    return policy;
  }
  throw new PolicyError(
    errors
      .filter(({ keyword }) => keyword !== 'additionalProperties') // each such field has its own
      .map(({ keyword, instancePath, message }) => {
        const path = instancePath.split('/').slice(1).map(unescapePointer);
        const what = keyword === 'boolean' ? 'is not a known key' : message;
        return `${at(offsetOf(document, path))}: ${path.join('.') || 'the file'} ${what}`;
      }),
  );
}

/** Where the value, or for an unknown key the key, at a path begins in the text. */
function offsetOf(document: Document.Parsed, path: readonly string[]): number {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1));
    if (pair && isNode(pair.key)) return pair.key.range![0];
  }
  const node = document.getIn(path, true);
  if (isNode(node)) return node.range![0];
  return isNode(parent) ? parent.range![0] : 0;
}

function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
