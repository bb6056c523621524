/**
 * What an algorithm may reveal, and the one gate through which protected values are opened.
 *
 * A leakage statement is data: it is embedded in the contract that every party signs, shown to people,
 * and checked at run time. The ledger is implemented by the node (it stores every opening); protocols
 * and learning code only ever see this interface.
 */

/** One kind of value that a task opens. */
export interface DisclosureClass {
  /** Stable name, e.g. `validation_scores`. */
  readonly name: string;
  /**
   * Who learns it: a role of the algorithm (`label_holder`, `feature_holder`, `data_holders`,
   * `receivers`, `all`).
   */
  readonly to: string;
  /** The phase in which it is opened. */
  readonly phase: 'aligning' | 'training' | 'evaluating' | 'publishing';
  /** Number of elements opened over the whole task, as a formula over the contract's sizes. */
  readonly elements: string;
  /**
   * That number, or a bound on it, for the contract's public sizes: one attempt opens no more, or the
   * ledger refuses.
   */
  readonly most: number;
  /** One sentence for people: what it tells its reader. */
  readonly meaning: string;
}

/** Everything that an algorithm reveals, for the contract and the documentation. */
export interface LeakageStatement {
  readonly algorithm: string;
  /** Protected values that are opened, each through the ledger. */
  readonly opened: readonly DisclosureClass[];
  /** What message sizes and counts tell, opened by nobody. */
  readonly structural: readonly string[];
  /** Adversary and hardness assumptions. */
  readonly assumptions: readonly string[];
}

/** What is opened to whom. */
export interface DisclosureTerms {
  readonly class: string;
  /** Parties that learn the values. */
  readonly to: readonly string[];
  /** How many elements are opened by this call. */
  readonly elements: number;
}

/** One opening. Values themselves are never stored. */
export interface Disclosure extends DisclosureTerms {
  /**
   * The bytes that this party hands over, or what it learns where it knows that already; null only
   * where it hands over nothing itself. The ledger keeps a salted commitment to them.
   */
  readonly value: Uint8Array | null;
}

export interface DisclosureLedger {
  /**
   * Records an opening before it happens: resolves once the record is on the disk, or, where nobody but
   * this party learns anything, once it has its place among them. Throws `ProtocolError` `NOT_DECLARED`
   * when the contract's leakage statement has no such class or receiver, or fewer elements;
   * `BUDGET_EXCEEDED` when the dataset's owner allows fewer over its lifetime. Then nothing may be sent.
   */
  record(disclosure: Disclosure): Promise<void>;
}
