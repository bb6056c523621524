import Type, { type Static } from 'typebox';
import { plainParameters } from '../../ml/vertical/trees/parameters.ts';
import { CLOSED, checkedDocument, ENCODING, MODEL_HEAD, NAME, ORIGIN } from './document-check.ts';
import { forestPart, splitRules } from './forest-part.ts';
import { ModelFormatError } from './model-format-error.ts';

/**
 * A data holder's own part of a forest, kept by it alone: its splits' columns, thresholds and directions;
 * at the label holder also the trees, which say whose each split is and what the leaves weigh. With the
 * other holders' parts it predicts, whether or not the model was released.
 */
const whole = Type.Integer({ minimum: 0, maximum: 2 ** 31 });
const number = Type.Number();

const Parameters = Type.Object(
  {
    objective: Type.Enum(['binary:logistic', 'reg:squarederror', 'multi:softprob']),
    num_class: whole,
    num_trees: whole,
    learning_rate: number,
    max_depth: whole,
    num_bins: whole,
    reg_lambda: number,
    reg_alpha: number,
    gamma: number,
    min_child_weight: number,
    subsample: number,
    colsample_bytree: number,
    scale_pos_weight: number,
    base_score: number,
    early_stopping_rounds: whole,
    use_validation_set: Type.Boolean(),
    validation_set_rate: number,
    seed: whole,
    predict_threshold: number,
    open_bits: whole,
    split_finding: Type.Literal('open_sums'),
    noise_multiplier: whole,
    model_release: Type.Enum(['full', 'split']),
  },
  CLOSED,
);

const TreePartSchema = Type.Object(
  {
    format: Type.Enum(['entente/tree-part/v1']),
    ...MODEL_HEAD,
    algorithm: Type.Enum(['xgboost']),
    /** Whose part this is. */
    party: NAME,
    /** The data holders in the contract's order, the label holder first. */
    holders: Type.Array(NAME, { minItems: 2 }),
    /** Which run grew the trees: the same in the parts that belong together. */
    origin: ORIGIN,
    /** Of this party's features, in the contract's order. */
    encoding: Type.Array(ENCODING),
    /** Of the training. */
    parameters: Parameters,
    /** How many rounds the model has. */
    rounds: Type.Integer({ minimum: 1 }),
    /** Base64 of this party's splits: `encodeRules`. */
    splits: Type.String(),
    /** At the label holder alone. */
    forest: Type.Union([
      Type.Null(),
      Type.Object(
        {
          /** Base64: `encodeRounds`. */
          trees: Type.String(),
          /** Margins are told as multiples of 2^(exponent - open_bits). */
          exponent: Type.Integer({ minimum: -512, maximum: 512 }),
        },
        CLOSED,
      ),
    ]),
  },
  CLOSED,
);

export type TreePart = Static<typeof TreePartSchema>;

/** The part in the value of a file's JSON, all of it checked. Throws `ModelFormatError`. */
export function decodeTreePart(value: unknown): TreePart {
  const part = checkedDocument(TreePartSchema, value);
  const { party, holders, forest, rounds, parameters } = part;
  const me = holders.indexOf(party);
  if (me < 0 || new Set(holders).size !== holders.length || holders[0] !== part.label.party) {
    throw new ModelFormatError('the holders are not those of such a part');
  }
  if ((forest !== null) !== (me === 0)) {
    throw new ModelFormatError('the label holder alone has the trees');
  }
  if (rounds > parameters.num_trees) throw new ModelFormatError('/rounds are more than were asked');
  try {
    plainParameters(parameters);
    if (forest) forestPart(part);
    else splitRules(part);
  } catch (cause) {
    if (cause instanceof ModelFormatError) throw cause;
    throw new ModelFormatError('the trees of the part are damaged', { cause });
  }
  return part;
}
