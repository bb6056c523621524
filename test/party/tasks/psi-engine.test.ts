import { equal, throws } from 'node:assert/strict';
import {
  chooseEngine,
  type EngineWish,
  type MatchingTask,
  MOST_ECDH_ROWS,
} from '../../../src/party/tasks/psi-engine.ts';

const FEW: MatchingTask = { holders: 2, rows: MOST_ECDH_ROWS, output: 'rows', tells: false };
const MANY: MatchingTask = { ...FEW, rows: MOST_ECDH_ROWS + 1 };

describe('engine of a matching', () => {
  it('is by the larger table unless a request says otherwise', () => {
    const chosen = (wish: EngineWish) => [chooseEngine(wish, FEW), chooseEngine(wish, MANY)].join();
    equal(chosen('auto'), 'ecdh,rr22');
    equal(chosen('ecdh'), 'ecdh,ecdh');
    equal(chosen('rr22'), 'rr22,rr22');
  });

  it('is the one that can do it, whatever the sizes', () => {
    for (const [task, engine, other] of [
      [{ output: 'size' }, 'ecdh', 'rr22'],
      [{ tells: true }, 'rr22', 'ecdh'],
      [{ holders: 3 }, 'rr22', 'ecdh'],
    ] as const) {
      for (const base of [FEW, MANY]) {
        equal(chooseEngine('auto', { ...base, ...task }), engine);
        equal(chooseEngine(engine, { ...base, ...task }), engine);
        throws(() => chooseEngine(other, { ...base, ...task }), {
          code: 'INVALID_REQUEST',
          message: new RegExp(`with ${engine} alone, not with ${other}: leave the engine to auto$`),
        });
      }
    }
  });
});
