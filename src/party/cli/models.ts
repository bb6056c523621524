import type { ModelView } from '../../sdk/node-types.ts';
import { writeDurably } from '../durable-file.ts';
import type { CommandResult } from './command.ts';
import { connect, type NodeAddress } from './node-api.ts';
import { refuseExisting } from './output-file.ts';
import { bytes, facts, figure, table } from './tables.ts';

export async function modelList(address: NodeAddress): Promise<CommandResult> {
  const models = await (await connect(address)).api.models();
  const rows = models.map((model) => [
    model.model_id,
    model.kind === 'model' ? 'whole' : 'own part',
    model.algorithm,
    model.created_at,
    metricsLine(model.metrics),
  ]);
  const text =
    rows.length === 0
      ? 'No models yet. "entente train" makes one.\n'
      : table([['MODEL', 'HERE', 'ALGORITHM', 'CREATED', 'METRICS'], ...rows]);
  return { text, json: { models } };
}

export async function modelShow(address: NodeAddress, modelId: string): Promise<CommandResult> {
  const model = await (await connect(address)).api.model(modelId);
  return {
    text: `${modelId}\n${facts([
      ['algorithm', model.algorithm],
      ['here', model.kind === 'model' ? 'the whole model' : 'this node’s own part'],
      ['task', model.task_id],
      ['created', model.created_at],
      ['file', model.path],
      ['size', bytes(model.size_bytes)],
      ['SHA-256', model.digest],
      ['metrics', metricsLine(model.metrics)],
    ])}${importanceTable(model)}`,
    json: model,
  };
}

/** What the columns of a forest do in it; empty for other models. */
function importanceTable({ feature_importance: columns = [] }: ModelView): string {
  if (columns.length === 0) return '';
  const rows = columns.map(({ feature, gain, cover, weight }) => [
    feature,
    figure(gain),
    figure(cover),
    String(weight),
  ]);
  return `\n${table([['COLUMN', 'GAIN', 'COVER', 'SPLITS'], ...rows])}`;
}

/** Writes the model's file: of a forest, one that XGBoost loads. */
export async function modelExport(
  address: NodeAddress,
  modelId: string,
  { out, force }: { readonly out: string; readonly force?: boolean },
): Promise<CommandResult> {
  if (!force) await refuseExisting(out);
  const text = await (await connect(address)).api.modelFile(modelId);
  await writeDurably(out, text, { mode: 0o640 });
  const next = `Apply it: entente predict --model ${out} --data FILE --out predictions.csv\n`;
  return { text: `${modelId} is in ${out}\n${next}`, json: { model_id: modelId, out } };
}

function metricsLine(metrics: Readonly<Record<string, number | null>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${figure(value)}`)
    .join(', ');
}
