import { ProtocolError } from '../errors.ts';

/** What the decoders of this folder throw on a peer's message that breaks its layout. */
export function malformed(message: string, options?: ErrorOptions): ProtocolError {
  return new ProtocolError('MALFORMED_MESSAGE', message, options);
}
