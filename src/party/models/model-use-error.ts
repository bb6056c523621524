/** A model that cannot be applied as asked. The message holds names alone and says what to do. */
export class ModelUseError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ModelUseError';
  }
}
