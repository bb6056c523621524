/** Something in a request that is legal but was not used as written; reported with the result. */
export interface Warning {
  readonly code:
    | 'UNKNOWN_FIELD'
    | 'DUPLICATE_RECEIVER'
    | 'ALGORITHM_IGNORED'
    | 'HYPER_PARAMETER_IGNORED'
    | 'MODEL_CONFIG_IGNORED'
    | 'LABEL_IGNORED'
    | 'COLUMN_IGNORED'
    | 'ROW_ORDER';
  readonly message: string;
}
