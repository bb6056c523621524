/**
 * Two organisations train one model: a bank that knows who defaulted, and a partner with other columns
 * about the same people. Real node processes with their own keys, data and stores; a coordinator's
 * request over HTTP; the joint model beside what each party reaches alone.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { progressDisplay } from '../src/party/cli/progress.ts';
import type { TaskView } from '../src/sdk/node-client.ts';
import type { Algorithm } from './comparison-models.ts';
import { joinTables } from './joined-tables.ts';
import { compareFold, type FoldScores, type Scores } from './joint-comparison.ts';
import { entente, startPair } from './organisation.ts';

const DATA = fileURLToPath(new URL('../../examples/data/', import.meta.url));
const DIRECTORY = resolve('run/demo');

const bar = progressDisplay(process.stderr.isTTY ? process.stderr : null);
let lastPhase = '';

const files = {
  guest: join(DATA, 'default_credit_hetero_guest.csv'),
  hosts: [join(DATA, 'default_credit_hetero_host.csv')],
  id: 'id',
  label: 'y',
};

console.log('Entente demo: default of credit card clients, 30 000 people, two organisations.\n');
await rm(DIRECTORY, { recursive: true, force: true });
const tables = await joinTables(files);
const nodes = await startPair(DIRECTORY, ['bank', 'partner']);
try {
  for (const node of nodes) {
    console.log(
      `  ${node.name.padEnd(8)} process ${node.pid}, peers ${node.grpc}, HTTP ${node.http}`,
    );
  }
  console.log(`  bank     ${tables.columns[0]!.length} columns and the label`);
  console.log(`  partner  ${tables.columns[1]!.length} columns, no label\n`);
  await train('logistic_regression', 'logistic regression on four fifths of the people.');
  const boosted = await train('xgboost', 'XGBoost, 30 trees of depth 3, on the same people.');
  await showImportance(boosted.modelId);
  console.log(`\nThe models are in ${join('run', 'demo', 'bank', 'results')}, and nowhere else.`);
  // The partner's task ends a moment later, and its receipt is part of the evidence.
  await nodes[1].client.waitForTask(String(boosted.extra.task_id));
  await Promise.all(nodes.map((node) => node.stop()));
  await audit(boosted);
} finally {
  bar.stop();
  await Promise.all(nodes.map((node) => node.stop()));
}

/** A joint training, and its model beside those that would do without it. */
async function train(algorithm: Algorithm, what: string): Promise<FoldScores> {
  console.log(`POST /runModelTrainTask to the bank: ${what}`);
  lastPhase = '';
  const fold = { ...files, algorithm, fold: 0, folds: 5, onProgress: showProgress };
  const scores = await compareFold(nodes, tables, fold);
  bar.stop();

  const { aligned_rows: rows, task_id: taskId } = scores.extra;
  console.log(`\nTask ${String(taskId)}`);
  console.log(
    `  ${String(rows)} people found in both tables, trained in ${scores.seconds.toFixed(0)} s\n`,
  );
  console.log('On the people held out:        AUC     KS');
  line('bank alone', scores.guest);
  line('partner alone, given labels', scores.host);
  line('joint, no table shown', scores.joint);
  line('all data in one place', scores.centralised);
  console.log();
  return scores;
}

/** What the columns do in the boosted trees, those that gain most first. */
async function showImportance(modelId: string): Promise<void> {
  const { feature_importance: columns = [] } = await nodes[0].client.model(modelId);
  console.log('Columns that gain most:        gain   splits');
  for (const { feature, gain, weight } of columns.slice(0, 5)) {
    console.log(
      `  ${feature.padEnd(27)} ${gain.toFixed(1).padStart(6)} ${String(weight).padStart(7)}`,
    );
  }
}

/**
 * What an auditor does, who has the parties' evidence of a task, their public keys, and no node: nodes are
 * stopped by now. Fails when either party's evidence does not hold, or the two tell different stories.
 */
async function audit({ extra }: FoldScores): Promise<void> {
  const task = String(extra.task_id);
  console.log(
    '\nBoth nodes are stopped. Each wrote an audit log; an auditor checks them offline.\n',
  );
  const trust: string[] = [];
  const bundles: string[] = [];
  for (const node of nodes) {
    const [keys, bundle] = ['keys.json', 'evidence.jsonl'].map((file) =>
      join(DIRECTORY, `${node.name}-${file}`),
    );
    await writeFile(keys!, JSON.stringify(await node.cli('audit', 'keys', '--json')));
    await node.cli('audit', 'export', '--task', task, '--out', bundle!);
    trust.push('--trust', keys!);
    bundles.push(bundle!);
  }
  for (const bundle of bundles) {
    const report = await entente(['audit', 'verify', bundle, ...trust]);
    const isFirst = bundle === bundles[0];
    console.log(isFirst ? report : `The other one's evidence:\n${afterReport(report)}`);
  }
  console.log(await entente(['audit', 'reconcile', ...bundles, ...trust]));
}

/** The verdict alone. */
function afterReport(report: string): string {
  return report.slice(report.indexOf('VERIFIED'));
}

function line(name: string, { auc, ks }: Scores): void {
  const figure = (value: number | null | undefined): string => (value ?? Number.NaN).toFixed(4);
  console.log(`  ${name.padEnd(28)} ${figure(auc)}  ${figure(ks)}`);
}

/** A bar on a terminal; a line a phase elsewhere. */
function showProgress(view: TaskView): void {
  bar.show(view);
  if (!process.stderr.isTTY && view.phase !== lastPhase) console.log(`  ${view.phase}`);
  lastPhase = view.phase;
}
