import { deepEqual } from 'node:assert/strict';
import { markedProgress } from '../../../src/party/tasks/marked-progress.ts';

describe('marked progress', () => {
  it('marks the end of each phase in every session, and steps once a second', () => {
    const clock = { time: 0, now: () => clock.time };
    const marks: string[] = [];
    const told: string[] = [];
    const sessions = ['b', 'c'].map((name) => ({
      mark: ({ phase, step }: { readonly phase: string; readonly step: number }) =>
        void marks.push(`${name} ${phase} ${step}`),
    }));
    const progress = markedProgress(
      {
        phase: (phase) => void told.push(phase),
        step: (step, of) => void told.push(`${step}/${of}`),
      },
      sessions,
      clock,
    );
    const stepAt = (time: number, step: number): void => {
      clock.time = time;
      progress.step(step, 4);
    };
    progress.phase('aligning');
    deepEqual(marks, [], 'nothing has ended');
    clock.time = 500;
    progress.phase('training');
    stepAt(1499, 1);
    stepAt(1500, 2);
    stepAt(1600, 3);
    progress.phase('publishing');
    deepEqual(
      marks,
      ['aligning 0', 'training 2', 'training 3'].flatMap((mark) => [`b ${mark}`, `c ${mark}`]),
    );
    deepEqual(told, ['aligning', 'training', '1/4', '2/4', '3/4', 'publishing']);
  });
});
