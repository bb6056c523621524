/** Something in a request that is legal but not what it seems; reported with the result. */
export interface Warning {
  readonly code:
    | 'UNKNOWN_FIELD'
    | 'DUPLICATE_RECEIVER'
    | 'ALGORITHM_IGNORED'
    | 'HYPER_PARAMETER_IGNORED'
    | 'MODEL_CONFIG_IGNORED'
    | 'LABEL_IGNORED'
    | 'COLUMN_IGNORED'
    | 'ROW_ORDER'
    | 'METRIC_UNDEFINED'
    | 'LOW_MARGIN';
  readonly message: string;
}
