/** What a model and a party's part of it have in common. Names are snake_case because files are public. */
export interface ModelHead {
  readonly model_id: string;
  /** SHA-256 of the contract, hex: the model's provenance. */
  readonly task_id: string;
  /** ISO 8601 UTC with milliseconds. */
  readonly created_at: string;
  readonly label: { readonly party: string; readonly column: string };
  /** On the probability; null where there are not two classes. */
  readonly threshold: number | null;
  /** Fraction bits of every released number; of a forest, of the scores that joint predictions tell. */
  readonly open_bits: number;
  readonly metrics: Readonly<Record<string, number | null>>;
}
