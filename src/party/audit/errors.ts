/** Why something of an audit log or a bundle is not what it should be. */
export type AuditErrorCode = 'malformed_entry'; // bytes that no node of this version writes

/** Thrown while audit records are written or read. Callers look at `code`; the text is for people. */
export class AuditError extends Error {
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuditError';
    this.code = code;
  }
}
