import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { type LinearDocument, parseModelDocument } from '../../src/party/models/model-document.ts';
import type { ProviderFields, PsiTaskRequest } from '../../src/sdk/node-client.ts';
import { jointTables } from '../support/joint-tables.ts';
import { checkJoined, csvFile, type KeyTable } from '../support/plain-join.ts';
import { randomJoins } from '../support/random-joins.ts';
import { intersected, keyed } from '../support/running-intersection.ts';
import { putData, runningNodes } from '../support/running-pair.ts';
import { csvText } from '../support/scratch-folder.ts';

const NAMES = ['orgA', 'orgB', 'orgC'] as const;
const ENGINES = ['RR22', 'DH'] as const;
const RULES = { join: 'inner', rule: 'reject' } as const;
const WORDS = { RR22: 'rr22', DH: 'ecdh' };

/** Keys that text alone would confuse, that need quotes, or are written in more than one way. */
const KEYS: KeyTable = [
  ['a', 'bc'],
  ['ab', 'c'],
  ['Zoë', '1'],
  ['Zoe', '1'],
  ['漢字', 'x,y'],
  ['two\nlines', '7'],
  ['two', 'lines\n7'],
  ['say "hi"', '07'],
  ['😀', 'é'],
  ['Ω', '٣'],
  ['k', 'k'],
];

const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);

/** A table of keys alone, under `id`. */
const listed = (keys: readonly string[]): string => csvText([['id'], ...keys.map((key) => [key])]);

describe('e2e: set intersections', function () {
  this.timeout(120_000);
  const at = runningNodes(NAMES, { algorithms: ['psi/*', 'vertical/*', 'predict/*'] });

  const pair = (): readonly [Organisation, Organisation] => [at('orgA'), at('orgB')];

  /** orgA's `path` with orgB's, by their `id`. */
  const request = (path: string, change: Partial<PsiTaskRequest> = {}): PsiTaskRequest => ({
    requester: keyed('orgA', path),
    provider: keyed('orgB', path),
    ...change,
  });

  const put = (path: string, ...tables: readonly (readonly string[])[]): void => {
    for (const [i, keys] of tables.entries()) putData(at(NAMES[i]!), path, listed(keys));
  };

  /** Keys in the first column of a party's file; its one column. */
  const keysIn = ({ file }: Awaited<ReturnType<typeof intersected>>[number]): string[] | null =>
    file?.records.map(([key]) => key!) ?? null;

  it('finds composite keys of all scripts in files of all forms, alike by either engine', async () => {
    const [left, right] = [KEYS.slice(0, 8), [...KEYS.slice(4), KEYS[2]!, KEYS[0]!]];
    const columns = [
      ['名', 'no'],
      ['in_both', 'row'],
    ] as const;
    const numbered = (table: KeyTable) => table.map((key, i) => [String(i), ...key]);
    const marked = csvText([['x', ...columns[0]], ...numbered(left)], { newline: '\r\n' });
    putData(at('orgA'), 'people.csv', `\ufeff${marked}`);
    // The other one has spaces around keys, and letters that are composed of two.
    const written = numbered(right).map((cells) =>
      cells.map((cell) => ` ${cell.normalize('NFD')}`),
    );
    const quoted = { delimiter: ';', quoteAll: true };
    putData(at('orgB'), 'people.csv', csvText([['x', ...columns[1]], ...written], quoted));

    for (const receivers of [['orgB'], ['orgA', 'orgB']]) {
      const runs = await Promise.all(
        ENGINES.map((engine) =>
          intersected(pair(), {
            requester: keyed('orgA', 'people.csv', ...columns[0]),
            provider: keyed('orgB', 'people.csv', ...columns[1]),
            algo_type: engine,
            result_receivers: receivers,
          }),
        ),
      );
      for (const [i, [a, b]] of runs.entries()) {
        const files = [a!.file, b!.file] as const;
        const receives = [receivers.includes('orgA'), receivers.includes('orgB')] as const;
        checkJoined({ tables: [left, right], columns, files }, receives, RULES, String(receivers));
        for (const [k, end] of [a!, b!].entries()) {
          equal(end.extra.psi_engine, WORDS[ENGINES[i]!]);
          equal(end.extra.intersection_size, receives[k] ? 6 : undefined);
        }
      }
      if (receivers.length > 1) continue;
      const [rr22, ecdh] = runs.map((ends) => ends.map(({ file }) => file));
      deepEqual(rr22, ecdh, 'the same files, to the byte');
    }
  });

  it('is right where a side is empty, nothing is common, or all is', async () => {
    const cases: readonly (readonly [
      string,
      PsiTaskRequest['algo_type'] & string,
      string[],
      string[],
    ])[] = [
      ['nothing.csv', 'RR22', range(5), []],
      ['neither.csv', 'DH', [], []],
      ['apart.csv', 'RR22', range(40), range(40, 40)],
      ['same.csv', 'DH', range(40), range(40).reverse()],
    ];
    await Promise.all(
      cases.map(async ([path, algo_type, a, b]) => {
        put(path, a, b);
        const ends = await intersected(pair(), request(path, { algo_type, result_recv_type: 2 }));
        const common = a.filter((key) => b.includes(key)).sort();
        for (const end of ends) {
          deepEqual(keysIn(end)!.toSorted(), common, path);
          equal(end.extra.intersection_size, common.length);
        }
      }),
    );
  });

  it('finds one record among 100 000, from either side, and leaves the other side nothing', async () => {
    const many = range(100_000);
    put('needle.csv', ['k77777'], many);
    put('stack.csv', many, ['k33333']);
    const [one, other] = await Promise.all(
      ['needle.csv', 'stack.csv'].map((path) => intersected(pair(), request(path))),
    );
    deepEqual([keysIn(one![0]!), keysIn(one![1]!)], [['k77777'], null]);
    deepEqual([keysIn(other![0]!), keysIn(other![1]!)], [['k33333'], null]);
    for (const { extra } of [...one!, ...other!]) equal(extra.psi_engine, 'rr22', 'auto');
    equal(one![1]!.extra.intersection_size, undefined);
  });

  it('counts common keys, tells both how many, and leaves no file', async () => {
    put('count.csv', [...range(30), 'k3'], range(30, 20));
    const privacy = { duplicates: 'first' };
    const ends = await intersected(pair(), request('count.csv', { output: 'size', privacy }));
    for (const { extra, file, view } of ends) {
      deepEqual(
        [extra.intersection_size, extra.psi_engine, file, view.path],
        [10, 'ecdh', null, null],
      );
    }
  });

  it('ends below the minimum that was agreed on, at both, without a file', async () => {
    put('few.csv', range(40), range(40, 30));
    const minimum = (min_intersection: number) =>
      request('few.csv', { privacy: { min_intersection } });
    const [[a]] = await Promise.all([
      intersected(pair(), minimum(10)),
      rejects(
        at('orgA').client.runPsiTask(minimum(11)),
        /org[AB]: the parties have fewer than 11 records.*nobody learnt which/,
      ),
    ]);
    equal(a!.extra.intersection_size, 10);
  });

  it('names the row that repeats a key where no rule takes it', async () => {
    put('twice.csv', [...range(3), 'k1'], range(3));
    await rejects(
      at('orgA').client.runPsiTask(request('twice.csv')),
      /orgA: twice\.csv: row 4, column id: repeats the key of an earlier row/,
    );
  });

  it('joins three parties without a word on any two of them', async () => {
    put('three.csv', range(60), range(60, 20), range(60, 40).reverse());
    const common = range(20, 40);
    const three = NAMES.map(at);
    for (const receivers of [['orgC', 'orgB'], [...NAMES]]) {
      const ends = await intersected(three, {
        requester: keyed('orgA', 'three.csv'),
        providers: [keyed('orgB', 'three.csv'), keyed('orgC', 'three.csv')],
        result_receivers: receivers,
      });
      const files = ends.map(keysIn);
      for (const [i, name] of NAMES.entries()) {
        equal(ends[i]!.extra.psi_engine, 'rr22');
        deepEqual(Object.keys(ends[i]!.extra.bytes_sent!).sort(), [...NAMES]);
        if (!receivers.includes(name)) equal(files[i], null);
        else deepEqual(files[i]!.toSorted(), common);
      }
      const received = files.filter((file) => file !== null);
      for (const file of received) deepEqual(file, received[0], 'line by line');
    }
  });

  it('tells the requester columns of the common records, and the provider nothing', async () => {
    const cities = ['Zürich', '', 'say "hi"', '漢字\n2', ' 7 '];
    const rows = range(3000, 1000).map((key, i) => [key, cities[i % 5]!, `note ${i}`, 'unasked']);
    putData(at('orgB'), 'label.csv', csvText([['id', 'city', 'note', 'other'], ...rows]));
    putData(at('orgA'), 'label.csv', listed(range(3000)));
    const [a, b] = await intersected(pair(), {
      requester: keyed('orgA', 'label.csv'),
      provider: { ...keyed('orgB', 'label.csv'), selected_columns: ['note', 'city'] },
    });
    deepEqual(a!.file!.header, ['id', 'note', 'city']);
    deepEqual(
      a!.file!.records,
      rows.slice(0, 2000).map(([key, city, note]) => [key, note, city]),
    );
    deepEqual([b!.file, b!.extra.intersection_size], [null, undefined]);
    ok(!existsSync(join(at('orgB').directory, 'results', b!.view.task_id)));
  });

  it('agrees with a plain join of two tables, whatever is asked for: 12 random requests', async () => {
    const columns = [
      ['row', 'b'],
      ['c', 'd'],
    ] as const;
    const cases = randomJoins(12, 2027);
    await Promise.all(
      cases.map(async ({ tables, receives, engine, join, rule }, i) => {
        const path = `random-${i}.csv`;
        for (const [k, table] of tables.entries()) {
          putData(pair()[k]!, path, csvText([[...columns[k]!], ...table.map((key) => [...key])]));
        }
        const [a, b] = await intersected(pair(), {
          requester: keyed('orgA', path, ...columns[0]),
          provider: keyed('orgB', path, ...columns[1]),
          algo_type: engine,
          join,
          result_receivers: NAMES.filter((_, k) => receives[k]),
          privacy: { duplicates: rule },
        });
        const what = JSON.stringify({ i, join, rule, receives, engine });
        checkJoined({ tables, columns, files: [a!.file, b!.file] }, receives, { join, rule }, what);
        equal(a!.extra.psi_engine, WORDS[engine], what);
      }),
    );
  });

  it('lets the owner refuse columns, and says to nobody whether they are there', async () => {
    const { directory } = at('orgB');
    const policy = readFileSync(join(directory, 'policy.yaml'), 'utf8');
    const write = (columns: string, algorithms: string): void =>
      writeFileSync(
        join(directory, 'policy.yaml'),
        policy
          .replace("allow: ['*']", columns)
          .replace(/algorithms: .*/, `algorithms: [${algorithms}]`),
      );
    putData(at('orgB'), 'told.csv', 'id,city,income\nk1,Bern,7\nk2,Rom,8\n');
    put('told.csv', range(3));
    const ask = (...selected_columns: string[]) =>
      at('orgA').client.runLabeledPsiTask({
        requester: keyed('orgA', 'told.csv'),
        provider: { ...keyed('orgB', 'told.csv'), selected_columns },
      });
    const refused = { status: 500, message: 'orgB: the policy does not allow it' };
    try {
      write('key: [id], feature: [city, street]', "'psi/*'");
      await rejects(ask('income'), refused);
      await rejects(ask('city', 'income'), refused);
      await rejects(ask('none'), refused, 'there is no such column');
      await rejects(ask('street'), { status: 400, message: 'orgB: told.csv: no column street' });
      const byCity = { ...request('told.csv'), provider: keyed('orgB', 'told.csv', 'city') };
      await rejects(at('orgA').client.runPsiTask(byCity), refused, 'a feature is no key');
      write('key: [id], feature: [city]', 'psi/intersection');
      await rejects(ask('city'), refused, 'nothing but keys');
      write('key: [id], feature: [city]', 'psi/labelled_intersection');
      await rejects(at('orgA').client.runPsiTask(request('told.csv')), refused);
      const { extra } = await ask('city');
      equal((JSON.parse(extra) as { intersection_size: number }).intersection_size, 2);
    } finally {
      writeFileSync(join(directory, 'policy.yaml'), policy);
    }
  });

  describe('before joint learning', () => {
    const joint = jointTables({ common: 2200, apart: 150, label: 'binary' });
    const hyper_params = { epochs: 5, use_validation_set: false };
    let model: LinearDocument;
    let modelId: string;

    const sides = (path: string, key_column?: string): ProviderFields[] =>
      pair().map(({ name }) => ({
        name,
        data_path: path,
        data_type: 'csv',
        ...(key_column && { key_column }),
      }));

    async function train(path: string, key_column?: string) {
      const [a, b] = sides(path, key_column);
      const result = await at('orgA').client.runModelTrainTask({
        data_providers: [
          { ...a!, label_column: 'y', select_columns: ['f1', 'f2'] },
          { ...b!, select_columns: ['f1', 'f2'] },
        ],
        result_receivers: ['orgA'],
        algorithm: 'logistic_regression',
        metrics: ['auc', 'loss'],
        hyper_params,
      });
      const document = parseModelDocument(await at('orgA').result(result.path)) as LinearDocument;
      return { ...result, document, extra: JSON.parse(result.extra) as Record<string, unknown> };
    }

    it('aligns a training on part of the records: the model of tables in one order', async () => {
      putData(at('orgA'), 'joint.csv', joint.labelled);
      putData(at('orgB'), 'joint.csv', joint.features);
      const { values, rows } = joint.X;
      const line = (i: number, from: number): string[] =>
        [...values.slice(4 * i + from, 4 * i + from + 2)].map(String);
      const lines = Array.from({ length: rows }, (_, i) => i);
      putData(
        at('orgA'),
        'rows.csv',
        csvText([['f1', 'f2', 'y'], ...lines.map((i) => [...line(i, 0), String(joint.y[i])])]),
      );
      putData(at('orgB'), 'rows.csv', csvText([['f1', 'f2'], ...lines.map((i) => line(i, 2))]));
      const [aligned, reference] = await Promise.all([train('joint.csv', 'id'), train('rows.csv')]);
      deepEqual([aligned.extra.psi_engine, reference.extra.psi_engine], ['rr22', undefined]);
      deepEqual([aligned.extra.aligned_rows, reference.extra.aligned_rows], [2200, 2200]);
      for (const name of ['auc', 'loss']) {
        ok(Math.abs(aligned.metrics[name]! - reference.metrics[name]!) < 2e-3, name);
      }
      ok(aligned.metrics.auc! > 0.85);
      const largest = Math.max(
        ...reference.document.features.map(({ weight }) => Math.abs(weight)),
      );
      for (const [i, { weight }] of aligned.document.features.entries()) {
        ok(
          Math.abs(weight - reference.document.features[i]!.weight) < 0.01 * largest,
          `weight ${i}`,
        );
      }
      [model, modelId] = [aligned.document, aligned.model_id];
    });

    it('aligns a prediction: scores of the model on exactly the common records', async () => {
      // Other records are common than before, within what the model was trained on.
      const fresh = [without(joint.labelled, 0, 150), without(joint.features, 1000, 1150)] as const;
      putData(at('orgA'), 'fresh.csv', fresh[0]);
      putData(at('orgB'), 'fresh.csv', fresh[1]);
      const { path, extra } = await at('orgA').client.runModelPredictTask({
        data_providers: sides('fresh.csv', 'id'),
        result_receivers: ['orgA'],
        model_id: modelId,
      });
      equal((JSON.parse(extra) as Record<string, unknown>).psi_engine, 'rr22');
      const rowsOf = (text: string) =>
        new Map(csvFile(text).records.map(([key, ...cells]) => [key, cells.map(Number)]));
      const [a, b] = [rowsOf(fresh[0]), rowsOf(fresh[1])];
      const { records } = csvFile(await at('orgA').result(path));
      deepEqual(
        records.map(([key]) => key),
        [...a.keys()].filter((key) => b.has(key)),
      );
      for (const [key, score] of records) {
        const z = model.features.reduce(
          (sum, { party, column, weight }) =>
            sum + weight * (party === 'orgA' ? a : b).get(key!)![column === 'f1' ? 0 : 1]!,
          model.intercept,
        );
        ok(Math.abs(Number(score) - 1 / (1 + Math.exp(-z))) < 0.01, `${key}: ${score}`);
      }
    });
  });
});

/** A table whose keys have no line breaks, without its records `from` to `to`. */
function without(csv: string, from: number, to: number): string {
  const [header, ...lines] = csv.split('\n');
  return [header, ...lines.toSpliced(from, to - from)].join('\n');
}
