import type { Clock } from '../clock.ts';
import type { PhasePlace } from '../transport/phase-marks.ts';
import type { Session } from '../transport/session.ts';
import type { ProgramProgress } from './program.ts';

/** Between two marks of one phase: own choice. */
const MARK_MS = 1000;

/** Tells on what a program tells, and marks in its sessions each phase's end and its steps. */
export function markedProgress(
  progress: ProgramProgress,
  sessions: readonly Pick<Session, 'mark'>[],
  clock: Pick<Clock, 'now'>,
): ProgramProgress {
  let place: PhasePlace | null = null;
  let markedAt = clock.now();
  const mark = (): void => {
    markedAt = clock.now();
    if (place) for (const session of sessions) session.mark(place);
  };
  return {
    phase(phase) {
      mark();
      place = { phase, step: 0 };
      progress.phase(phase);
    },
    step(step, of) {
      if (place) place = { ...place, step };
      if (clock.now() - markedAt >= MARK_MS) mark();
      progress.step(step, of);
    },
  };
}
