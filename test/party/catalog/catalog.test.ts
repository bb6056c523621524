import { deepEqual, equal, rejects } from 'node:assert/strict';
import { createCatalog } from '../../../src/party/catalog/catalog.ts';
import { serveCatalog } from '../../../src/party/catalog/handlers.ts';
import type { LocalCatalog } from '../../../src/party/catalog/local-catalog.ts';
import { METHODS } from '../../../src/party/catalog/wire.ts';
import { DatasetError } from '../../../src/party/datasets/dataset-error.ts';
import type { CatalogService, DatasetMetadata } from '../../../src/party/http/services.ts';
import type { Policy, PolicyRule } from '../../../src/party/policy-rule.ts';
import { controlLink } from '../../support/control-link.ts';

const RULE: PolicyRule = {
  peers: ['orgB'],
  purposes: ['*'],
  algorithms: ['*'],
  datasets: ['open/*.csv', 'dataset:loans'],
  columns: { key: ['id'], feature: ['age'] },
  receivers: [],
  model_release: [],
};

const TABLE: DatasetMetadata = {
  type: 'csv',
  rows: 7,
  columns: [
    { name: 'id', type: 'integer' },
    { name: 'salary', type: 'number' },
    { name: 'age', type: 'integer' },
  ],
};

interface Setup {
  /** orgB's view, whose peer is orgA. */
  readonly asked: CatalogService;
  /** orgA's own. */
  readonly own: CatalogService;
  /** Calls that reached orgA's datasets. */
  readonly touched: string[];
  readonly log: string[];
  readonly link: ReturnType<typeof controlLink>;
}

/** orgA with datasets under a policy, and orgB that asks it. */
function setup(
  rules: readonly PolicyRule[] | Error,
  metadata: (path: string) => Promise<DatasetMetadata> = async () => TABLE,
): Setup {
  const touched: string[] = [];
  const log: string[] = [];
  const nothing = () => Promise.reject(new Error('not in this test'));
  const local: LocalCatalog = {
    paths: async () => {
      touched.push('paths');
      return ['dataset:loans', 'open/a.csv', 'open/deep/b.csv', 'private.csv'];
    },
    metadata: (path) => {
      touched.push(path);
      return metadata(path);
    },
    register: nothing,
    unregister: nothing,
    registered: async () => [],
  };
  const link = controlLink();
  serveCatalog(link, {
    local,
    policy: async (): Promise<Policy> => {
      if (rules instanceof Error) throw rules;
      return { version: 1, rules: [...rules] };
    },
    now: () => Date.parse('2026-03-01T12:00:00Z'),
    events: {
      denied: (peer, cause) =>
        log.push(`denied ${peer} ${cause === undefined ? 'by rules' : 'unreadable'}`),
      failed: (error) => log.push(`failed ${(error as Error).message}`),
    },
  });
  const catalogOf = (me: string, peer: string) =>
    createCatalog({
      me,
      local,
      peers: link.client(me, 'orgA'),
      peerNames: () => [peer],
    });
  const asked = catalogOf('orgB', 'orgA');
  return { asked, own: catalogOf('orgA', 'orgB'), touched, log, link };
}

describe('catalog', () => {
  it('shows a peer the paths and columns that a rule lets it use', async () => {
    const { asked, own } = setup([RULE]);
    deepEqual(asked.providers(), ['orgB', 'orgA']);
    deepEqual(await asked.paths('orgA'), ['dataset:loans', 'open/a.csv']);
    deepEqual(await asked.metadata('orgA', 'open/a.csv'), {
      type: 'csv',
      rows: 7,
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'age', type: 'integer' },
      ],
    });
    deepEqual(await own.metadata('orgA', 'private.csv'), TABLE, 'its own it sees whole');
    equal((await own.paths('orgA')).length, 4);
  });

  it('answers alike for what is forbidden, missing, or without a column, by the byte', async () => {
    const answers: string[] = [];
    const cases: [rules: readonly PolicyRule[] | Error, path: string][] = [
      [[RULE], 'private.csv'],
      [[RULE], 'open/none.csv'],
      [[RULE], 'dataset:salaries'],
      [[], 'open/a.csv'],
      [[{ ...RULE, columns: { key: ['other'] } }], 'open/a.csv'],
      [new Error('broken'), 'open/a.csv'],
    ];
    for (const [rules, path] of cases) {
      const { asked, link } = setup(rules, async (asked) => {
        if (asked === 'open/a.csv') return TABLE;
        throw new DatasetError('missing_dataset', `${asked}: no such dataset`);
      });
      const answer = await link.client('orgB', 'orgA').call('orgA', METHODS.metadata, { path });
      answers.push(JSON.stringify(answer));
      await rejects(asked.metadata('orgA', path), { code: 'REFUSED' });
    }
    equal(new Set(answers).size, 1, answers.join('\n'));
  });

  it('does not touch a dataset before the policy has said yes', async () => {
    const cases: [rules: readonly PolicyRule[] | Error, entry: string][] = [
      [[], 'denied orgB by rules'],
      [[{ ...RULE, peers: ['orgC'] }], 'denied orgB by rules'],
      [new Error('broken'), 'denied orgB unreadable'],
    ];
    for (const [rules, entry] of cases) {
      const { asked, touched, log } = setup(rules);
      deepEqual(await asked.paths('orgA'), []);
      await rejects(asked.metadata('orgA', 'open/a.csv'), { code: 'REFUSED' });
      deepEqual(touched, []);
      equal(log.includes(entry), true, log.join());
    }
  });

  it('tells of a dataset that cannot be used only that, never a column', async () => {
    const { asked, own } = setup([RULE], async (path) => {
      throw new DatasetError('duplicate_column', `${path}: two columns salary`);
    });
    await rejects(asked.metadata('orgA', 'open/a.csv'), {
      code: 'DATASET_UNUSABLE',
      message: 'orgA: the dataset is not usable (dataset/duplicate_column)',
    });
    await rejects(own.metadata('orgA', 'open/a.csv'), { message: /two columns salary/ });
  });

  it('describes one dataset at a time for a peer', async () => {
    let finish: (value: DatasetMetadata) => void = () => undefined;
    const { asked } = setup(
      [RULE],
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    const first = asked.metadata('orgA', 'open/a.csv');
    await rejects(asked.metadata('orgA', 'dataset:loans'), { code: 'BUSY' });
    finish(TABLE);
    await first;
    const again = asked.metadata('orgA', 'dataset:loans');
    await new Promise((resolve) => setImmediate(resolve));
    finish(TABLE);
    equal((await again).rows, 7);
  });

  it('reports a fault of its own here and tells the peer none of it', async () => {
    const { asked, log } = setup([RULE], async () => {
      throw new Error('disk on fire');
    });
    await rejects(asked.metadata('orgA', 'open/a.csv'), {
      code: 'FAILED',
      message: 'orgA could not answer; its log says why',
    });
    deepEqual(log, ['failed disk on fire']);
  });

  it('names the party that is unknown, away, or answers nonsense', async () => {
    const { asked, own, link } = setup([RULE]);
    await rejects(asked.paths('orgX'), { code: 'UNKNOWN_PARTY' });
    await rejects(own.paths('orgB'), { code: 'UNREACHABLE', message: /orgB cannot be reached/ });
    link.handle(METHODS.paths, async () => ({ paths: [''] }));
    link.handle(METHODS.metadata, async () => ({ result: undefined }));
    await rejects(asked.paths('orgA'), { code: 'FAILED', message: /orgA/ });
    await rejects(asked.metadata('orgA', 'open/a.csv'), { code: 'FAILED' });
  });

  it('refuses requests that break their form without touching anything', async () => {
    const { link, touched } = setup([RULE]);
    for (const path of ['', 'x'.repeat(1025)]) {
      await rejects(link.client('orgB', 'orgA').call('orgA', METHODS.metadata, { path }));
    }
    deepEqual(touched, []);
  });
});
