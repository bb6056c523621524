/** What a measurement prints: the last line of `npm run bench -- NAME --json`. */
export interface BenchResult {
  readonly bench: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Whether the result of the measured work was right. */
  readonly correct: boolean;
  /** Wall clock of the measured part. */
  readonly seconds: number;
  /** By party. */
  readonly bytesSent: Readonly<Record<string, number>>;
  /** Largest resident set of each party's process. */
  readonly peakRssMb: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, unknown>>;
  /** The figure per unit that the bench is about, e.g. `secondsPerIteration`. */
  readonly [figure: string]: unknown;
}
