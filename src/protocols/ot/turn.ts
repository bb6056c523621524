/**
 * The right to use an object whose state both parties advance in step. A call that begins while another
 * one is pending, or after one has failed, is refused before it can disturb anything: two calls at once
 * would race for stream positions, and after a failure nobody knows whether the sides still agree.
 */
export class Turn {
  #state: 'free' | 'taken' | 'failed' = 'free';

  async take<T>(run: () => Promise<T>): Promise<T> {
    if (this.#state === 'taken') throw new TypeError('await the pending call first');
    if (this.#state === 'failed') throw new TypeError('an earlier call failed: set up afresh');
    this.#state = 'taken';
    try {
      const result = await run();
      this.#state = 'free';
      return result;
    } catch (error) {
      this.#state = 'failed';
      throw error;
    }
  }
}
