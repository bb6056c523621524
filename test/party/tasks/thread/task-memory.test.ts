import { equal, throws } from 'node:assert/strict';
import { loadWasmRlweKernel } from '../../../../src/kernels/rlwe-kernel.wasm.ts';
import { type MemoryProbe, taskMemory } from '../../../../src/party/tasks/thread/task-memory.ts';

const MIB = 2 ** 20;

/** A thread as the test says. */
class Probe implements MemoryProbe {
  live: number;
  garbage: number;
  time = 0;
  collections = 0;

  constructor(live: number, garbage: number) {
    this.live = live;
    this.garbage = garbage;
  }

  usedBytes(): number {
    return this.live + this.garbage;
  }

  collect(): void {
    this.collections += 1;
    this.garbage = 0;
  }

  now(): number {
    return this.time;
  }
}

describe('memory of a task', () => {
  const OUT = { name: 'TaskError', code: 'OUT_OF_MEMORY' };

  it('lets a thread be that stays within its limit, and never collects for it', () => {
    const state = new Probe(99, 1);
    taskMemory(100, state).check();
    equal(state.collections, 0);
  });

  it('counts no garbage, and collects it once a second at most', () => {
    const state = new Probe(99, 50);
    const memory = taskMemory(100, state);
    memory.check();
    equal(state.collections, 1);
    state.live = 101;
    state.time = 999;
    memory.check(); // for now
    state.time = 1000;
    throws(() => memory.check(), OUT);
    equal(state.collections, 2);
  });

  it('counts what kernels take, before they take it', () => {
    const state = new Probe(40, 0);
    const memory = taskMemory(100, state);
    memory.reserve(60);
    throws(() => memory.reserve(1), OUT);
    throws(() => taskMemory(100, new Probe(0, 0)).reserve(101), OUT);
  });

  it('bounds the memory of a real kernel', () => {
    const state = new Probe(0, 0);
    throws(() => loadWasmRlweKernel(taskMemory(MIB / 2, state)), OUT);
    loadWasmRlweKernel(taskMemory(64 * MIB, state));
  });

  it('measures this thread, and collects its garbage', () => {
    throws(() => taskMemory(0).check(), OUT); // collects what earlier tests left
    const { heapUsed, external } = process.memoryUsage();
    const limit = heapUsed + external + 128 * MIB;
    const made = Array.from({ length: 8 }, () => new Uint8Array(32 * MIB).fill(1));
    throws(() => taskMemory(limit).check(), OUT);
    made.length = 0;
    taskMemory(limit).check();
  });
});
