/** What a node's HTTP interface takes and gives, in its own field names. */

/** One party's data. */
export interface ProviderFields {
  readonly name: string;
  readonly data_path: string;
  readonly data_type: string;
  /** Several columns make one key together, in the same order at every party. */
  readonly key_column?: string | readonly string[];
}

interface ConditionFields {
  readonly privacy?: Readonly<Record<string, unknown>>;
  readonly purpose?: string;
  /** Fields that the node does not know are errors. */
  readonly strict?: boolean;
}

/**
 * Hyper-parameters of `xgboost` by the names of XGBoost's scikit-learn interface; the other names that
 * XGBoost knows them by are taken as well, and all of this node's own.
 */
export interface TreeHyperParameters {
  readonly objective?: 'binary:logistic' | 'reg:squarederror' | 'multi:softprob';
  /** Of `multi:softprob`: labels are the integers below it. */
  readonly num_class?: number;
  /** Default 30: every further tree opens more. */
  readonly n_estimators?: number;
  /** Default 3: so does every further level. */
  readonly max_depth?: number;
  /** Default 32, at most 256. */
  readonly max_bin?: number;
  /** Default 0.3. */
  readonly learning_rate?: number;
  readonly reg_lambda?: number;
  readonly reg_alpha?: number;
  readonly gamma?: number;
  readonly min_child_weight?: number;
  readonly subsample?: number;
  readonly colsample_bytree?: number;
  readonly scale_pos_weight?: number;
  readonly base_score?: number;
  readonly early_stopping_rounds?: number;
  readonly random_state?: number;
  /** Of feature holders' own noise in what is opened: 1 to 16. */
  readonly noise_multiplier?: number;
  readonly model_release?: 'full' | 'split';
  readonly [other: string]: unknown;
}

/** Body of `runModelTrainTask`. */
export interface TrainTaskRequest extends ConditionFields {
  /** Two; of `xgboost` two or more. */
  readonly data_providers: readonly (ProviderFields & {
    readonly label_column?: string;
    readonly select_columns?: readonly string[];
    readonly discrete_cols?: readonly string[];
  })[];
  readonly result_receivers: readonly string[];
  /** `logistic_regression`, `linear_regression` or `xgboost`; what the request or the label tells otherwise. */
  readonly algorithm?: string;
  readonly hyper_params?: TreeHyperParameters | Readonly<Record<string, unknown>>;
  readonly metrics?: readonly string[];
  readonly label_owner?: string;
}

/** Body of `runModelPredictTask`. */
export interface PredictTaskRequest extends ConditionFields {
  readonly data_providers: readonly ProviderFields[];
  readonly result_receivers: readonly string[];
  readonly model_id: string;
  readonly params?: { readonly threshold?: number };
}

/** What one party brings to a set intersection. */
export type KeyedFields = ProviderFields & Required<Pick<ProviderFields, 'key_column'>>;

interface PsiFields extends ConditionFields {
  /** What matches the keys; by their number unless told. */
  readonly algo_type?: 'auto' | 'RR22' | 'DH';
  readonly requester: KeyedFields;
  /** 1: the requester learns the result; 2: all do. */
  readonly result_recv_type?: 1 | 2;
  /** Who learns the result, by name. */
  readonly result_receivers?: readonly string[];
}

/** Body of `runPSITask`. */
export interface PsiTaskRequest extends PsiFields {
  /** The other party; or `providers`, where there are more. */
  readonly provider?: KeyedFields;
  readonly providers?: readonly KeyedFields[];
  /** `size`: how many keys are common, and not which. */
  readonly output?: 'rows' | 'size';
  /** Left is the requester. */
  readonly join?: 'inner' | 'left' | 'right' | 'full' | 'difference';
}

/** Body of `runLabeledPSITask`. */
export interface LabeledPsiTaskRequest extends PsiFields {
  /** The requester learns the values of these columns of the common records. */
  readonly provider: KeyedFields & { readonly selected_columns: readonly string[] };
}

/** `result` of a finished task. */
export interface FileResult {
  /** Relative to the receivers' result directory. */
  readonly path: string;
  readonly type: string;
  /** JSON: task id, warnings, timings, of a training the resolved algorithm. */
  readonly extra: string;
}

/** `result` of a finished set intersection. */
export interface IntersectionResult {
  /** As in `FileResult`; null where only the size was asked for. */
  readonly path: string | null;
  readonly type: string | null;
  /** JSON: task id, engine, own rows, at receivers `intersection_size`. */
  readonly extra: string;
}

/** `result` of a finished training task. */
export interface TrainTaskResult extends FileResult {
  readonly model_id: string;
  readonly metrics: Readonly<Record<string, number | null>>;
}

export type TaskState = 'pending' | 'running' | 'stopping' | 'completed' | 'failed' | 'cancelled';

/** `result` of a task's view. Times are ISO 8601 UTC. */
export interface TaskView {
  readonly task_id: string;
  readonly kind: 'train' | 'predict' | 'psi';
  readonly algorithm: string;
  readonly initiator: string;
  readonly parties: readonly string[];
  readonly receivers: readonly string[];
  readonly purpose: string;
  readonly state: TaskState;
  readonly phase: string;
  /** The node's policy wants a person's word; see `approveTask`. */
  readonly awaits_approval: boolean;
  readonly attempt: number;
  readonly progress: {
    readonly percentage: number;
    readonly iteration: number | null;
    readonly iterations: number | null;
    readonly bytes_sent: number;
    readonly bytes_received: number;
    readonly bytes_per_second: number;
    readonly seconds_remaining: number | null;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly model_id: string | null;
  readonly path: string | null;
  readonly type: string | null;
  readonly extra: string | null;
  readonly metrics: Readonly<Record<string, number | null>> | null;
  readonly error: {
    readonly status: number;
    readonly code: string;
    readonly message: string;
  } | null;
}

/** One thing that happened to a task. */
export interface TaskEvent {
  readonly id: number;
  readonly type: 'status' | 'progress' | 'end';
  readonly time: string;
  readonly task: TaskView;
}

export interface TaskFilter {
  readonly state?: TaskState;
  readonly kind?: TaskView['kind'];
}

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly TaskView[];
  /** For the next page; null at the end. */
  readonly next: string | null;
}

export interface ModelView {
  readonly model_id: string;
  /** `model`: the whole. `part`: what this node keeps of it for itself. */
  readonly kind: 'model' | 'part';
  readonly task_id: string;
  readonly algorithm: string;
  readonly path: string;
  readonly type: string;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Of one released forest alone: columns that it uses, the largest mean gain first. */
  readonly feature_importance?: readonly FeatureImportanceView[];
}

/** What a column does in a forest, as XGBoost counts it. */
export interface FeatureImportanceView {
  readonly party: string;
  readonly column: string;
  /** Of a categorical column, in its owner's order. */
  readonly level?: number;
  /** As in the model's file. */
  readonly feature: string;
  /** Splits that use it. */
  readonly weight: number;
  /** Means over those. */
  readonly gain: number;
  readonly cover: number;
  readonly total_gain: number;
  readonly total_cover: number;
}

export interface DatasetView {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly created_at: string;
}

export interface DatasetMetadata {
  readonly type: string;
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface PeerView {
  readonly name: string;
  readonly fingerprint: string;
  readonly address: string;
}

export interface TokenView {
  readonly id: string;
  readonly role: string;
  readonly label: string;
  readonly created_at: string;
}
