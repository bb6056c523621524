import type { EngineWish } from '../tasks/psi-engine.ts';

/** How requests call what finds common keys. DH: the API's word for Diffie-Hellman. */
const ENGINES: ReadonlyMap<string, EngineWish> = new Map([
  ['auto', 'auto'],
  ['rr22', 'rr22'],
  ['ecdh', 'ecdh'],
  ['dh', 'ecdh'],
]);

/** The engine that a request names, in whatever case; undefined when there is none of the name. */
export function engineOf(name: string): EngineWish | undefined {
  return ENGINES.get(name.toLowerCase());
}
