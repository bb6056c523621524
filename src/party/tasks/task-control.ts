/** Who may end a task at this party, and until when. */
export interface TaskControl {
  /** Aborted with the reason for which the task must end here. */
  readonly signal: AbortSignal;
  /** Ends the task, whatever it does. */
  end(reason: Error): void;
  /**
   * Ends the task for a person. False when it is too late: this party has told the others that its
   * result is prepared, and any of them may have published.
   */
  cancel(reason: Error): boolean;
  /** Whether this party has, or is about to tell that it has, a prepared result. */
  isPrepared(): boolean;
  prepared(is: boolean): void;
}

export function taskControl(isPrepared = false): TaskControl {
  const controller = new AbortController();
  let prepared = isPrepared;
  return {
    signal: controller.signal,
    end: (reason) => controller.abort(reason),
    cancel: (reason) => {
      if (prepared) return false;
      controller.abort(reason);
      return true;
    },
    isPrepared: () => prepared,
    prepared: (is) => {
      prepared = is;
    },
  };
}
