/** Why something of an audit log or a bundle is not what it should be. */
export type AuditErrorCode =
  | 'malformed_entry' // bytes that no node of this version writes
  | 'malformed_bundle' // bytes that are no evidence bundle
  | 'unknown_task' // the log has no entry about it
  | 'task_closing' // other parties' last words on the task are still to come
  | 'task_busy' // entries of the task come faster than they can be exported
  | 'malformed_keys' // a file that is no list of trusted keys
  | 'malformed_note' // bytes that are no signed note, checkpoint or verifier key
  | 'bad_signature' // a known key's signature does not verify
  | 'unknown_key' // no known key signed the note
  | 'bad_log_key' // a log's key is not certified by its party's identity, or its file is no key
  | 'corrupt_log' // what is stored is not the log whose checkpoint was signed
  | 'log_failed' // an append could not be written; nothing is appended until the log is reopened
  | 'log_closed'; // the log was closed

/** Thrown while audit records are written or read. Callers look at `code`; the text is for people. */
export class AuditError extends Error {
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuditError';
    this.code = code;
  }
}
