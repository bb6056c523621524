/** Warnings for what a request says and its algorithm does not read. */
import type { HyperParameters } from './hyper-parameters.ts';
import type { TrainRequest } from './train-request.ts';
import type { Warning } from './warning.ts';

/** A hyper-parameter, if it is given, and why it changes nothing. */
export type Ignored = readonly [key: keyof HyperParameters, when: boolean, why: string];

/**
 * A warning for every given key that has no effect: those that the algorithm does not know, and those of
 * `rules` that hold.
 *
 * @param known - Keys that the algorithm reads.
 */
export function ignoredParameters(
  algorithm: string,
  { hyper, modelConfig }: Pick<TrainRequest, 'hyper' | 'modelConfig'>,
  known: readonly (keyof HyperParameters)[],
  rules: readonly Ignored[],
): Warning[] {
  const given = Object.keys(hyper) as (keyof HyperParameters)[];
  const unknown = given
    .filter((key) => !known.includes(key))
    .map((key): Ignored => [key, true, `on ${algorithm}`]);
  const warnings = [...unknown, ...rules]
    .filter(([key, when]) => when && hyper[key] !== undefined)
    .map(
      ([key, , why]): Warning => ({
        code: 'HYPER_PARAMETER_IGNORED',
        message: `hyper_params.${key} has no effect ${why}`,
      }),
    );
  if (modelConfig === null) return warnings;
  const message = `model_config has no effect on ${algorithm}`;
  return [...warnings, { code: 'MODEL_CONFIG_IGNORED', message }];
}
