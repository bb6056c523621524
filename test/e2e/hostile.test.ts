import { hostileSuite } from '../support/hostile-suite.ts';

hostileSuite('e2e: hostile bytes', {
  messages: 2000,
  pulls: 100,
  connections: 200,
  httpBodies: 500,
});
