/** Why a task ended without a result, beyond what protocols, datasets and consensus report themselves. */
export type TaskErrorCode =
  | 'TOO_FEW_ROWS' // the aligned records are too few to train on
  | 'TOO_FEW_COMMON' // fewer common records than the parties agreed on
  | 'NOT_AVAILABLE' // the contract asks for what this version does not run
  | 'PEER_FAILED' // the other party ended the task
  | 'CANCELLED' // by a person, at any party
  | 'TIMED_OUT' // it ran longer than it may
  | 'RESULT_LOST' // the other parties have published a result that this node does not have
  | 'OUT_OF_MEMORY' // the task needs more memory than a task may have
  | 'THREAD_DIED' // the thread that computed the task ended without a word
  | 'TOO_MANY_LINES' // pairs of records with one key make a file too long to be kept
  | 'SPILL_FAILED' // what does not fit into memory could not be kept on the disk
  | 'CHECKPOINT_UNUSABLE' // the checkpoint to resume from is damaged or of another task
  | 'MODEL_MISMATCH' // the parties' parts are not of one model
  | 'STOPPED'; // this node stops

/** The message names parties and counts, never values: it goes to the coordinator. */
export class TaskError extends Error {
  readonly code: TaskErrorCode;

  constructor(code: TaskErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TaskError';
    this.code = code;
  }
}
