/** A short training of orgA, who has the label, with orgB: the files it reads, and the request. */
import type { Organisation } from '../../examples/organisation.ts';
import type { TrainTaskRequest } from '../../src/sdk/node-client.ts';
import { type JointTables, type JointTablesOptions, jointTables } from './joint-tables.ts';
import { putData } from './running-pair.ts';

const FILE = 'people.csv';

/** Writes each party's table of people, the label in orgA's. */
export function putPeople(
  { a, b }: { readonly a: Organisation; readonly b: Organisation },
  options: Omit<JointTablesOptions, 'label'>,
): JointTables {
  const table = jointTables({ ...options, label: 'binary' });
  putData(a, FILE, table.labelled);
  putData(b, FILE, table.features);
  return table;
}

/** A training on these files by all columns that are numbers. */
export function peopleTraining(
  hyperParams: Readonly<Record<string, unknown>>,
  change: Partial<TrainTaskRequest> = {},
): TrainTaskRequest {
  return {
    data_providers: ['orgA', 'orgB'].map((name) => ({
      name,
      data_path: FILE,
      data_type: 'csv',
      key_column: 'id',
      select_columns: ['f1', 'f2'],
      ...(name === 'orgA' && { label_column: 'y' }),
    })),
    result_receivers: ['orgA', 'orgB'],
    metrics: ['auc'],
    hyper_params: hyperParams,
    ...change,
  };
}
