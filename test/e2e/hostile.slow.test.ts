import { hostileSuite } from '../support/hostile-suite.ts';

hostileSuite('e2e: hostile bytes, many', {
  messages: 100_000,
  pulls: 2000,
  connections: 10_000,
  httpBodies: 10_000,
});
