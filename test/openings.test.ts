import { deepEqual, ok } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where protocols and programs are: what leaves a party leaves it from here. */
const FOLDERS = ['src/protocols', 'src/ml', 'src/party/tasks/programs'];

/**
 * What opens a value, and where it stands: the functions that first record it, and helpers, which
 * are in this table themselves, as calls.
 */
const OPENINGS: Readonly<
  Record<string, { readonly after?: readonly string[]; readonly in?: string }>
> = {
  // shares
  'send(OpenedShare': { in: 'src/protocols/sharing/open.ts#sendShare' },
  'sendShare(': {
    after: ['src/protocols/sharing/open.ts#open', 'src/protocols/sharing/open.ts#revealSender'],
  },
  // linear models
  'send(ReleasedMetrics': { after: ['src/ml/vertical/linear/publish.ts#deliverMetrics'] },
  'send(ReleasedColumns': { after: ['src/ml/vertical/linear/publish.ts#publish'] },
  'send(ReleasedTarget': {
    after: [
      'src/ml/vertical/linear/predict.ts#scoreUnit',
      'src/ml/vertical/linear/publish.ts#publish',
    ],
  },
  // trees
  'send(CandidateSums': { after: ['src/ml/vertical/trees/split-finding.ts#openSumsHost'] },
  'send(WinningCandidates': { after: ['src/ml/vertical/trees/split-finding.ts#tellWinners'] },
  'oneOfManySender(': { after: ['src/ml/vertical/trees/routing.ts#routeHost'] },
  'send(KeptSplits': { after: ['src/ml/vertical/trees/kept-splits.ts#keepSplits'] },
  'send(TreeMetrics': { after: ['src/ml/vertical/trees/release.ts#publishLabelHolder'] },
  'send(ReleasedForest': { in: 'src/ml/vertical/trees/release.ts#sendForest' },
  'send(ReleasedTree': { in: 'src/ml/vertical/trees/release.ts#sendForest' },
  'sendForest(': { after: ['src/ml/vertical/trees/release.ts#publishLabelHolder'] },
  'send(ReleasedSplits': { after: ['src/ml/vertical/trees/release.ts#sendSplits'] },
  'send(TreeScores': { in: 'src/ml/vertical/trees/predict.ts#sendScores' },
  'sendScores(': { after: ['src/ml/vertical/trees/predict.ts#predictLabelHolder'] },
  // set intersection: what a party brings is compared once these begin
  'session.intersect(': {
    after: ['src/party/tasks/programs/key-matching.ts#matchKeys'],
    in: 'src/party/tasks/programs/bucket-session.ts#plainSession',
  },
  'labelledPsiSender(': { in: 'src/party/tasks/programs/bucket-session.ts#labellingSession' },
  'labelledPsiReceiver(': { in: 'src/party/tasks/programs/bucket-session.ts#labelledSession' },
  'cardinalitySender(': { after: ['src/party/tasks/programs/count-common.ts#countCommon'] },
  'cardinalityReceiver(': { after: ['src/party/tasks/programs/count-common.ts#countCommon'] },
  'send(Multiplicities': { in: 'src/party/tasks/programs/multiplicities.ts#sendCounts' },
  'sendCounts(': { in: 'src/party/tasks/programs/multiplicities.ts#exchangeMultiplicities' },
  'exchangeMultiplicities(': {
    after: ['src/party/tasks/programs/receiver-lines.ts#otherRecords'],
  },
};

/**
 * Messages that open nothing by themselves: masked, encrypted or blinded, of public sizes and seeds, or
 * within a matching, which `session.intersect` and its like stand for.
 */
const CLOSED: readonly string[] = [
  ...['BaseOtChoices', 'BaseOtSetup', 'CorrelatedMasks', 'ExtensionColumns', 'ExtensionHash'],
  ...['MaskedBits', 'MaskedMessages', 'VoleNoise', 'VoleTrees'],
  ...['HeCiphertext', 'HePublicKey', 'HeRingAnswer', 'HeSlotAnswer'],
  ...['BucketSamples', 'BucketShape', 'MaskedRows', 'BoostingRound', 'SplitNodes'],
  ...['CardinalityCount', 'CardinalityReceiverSize', 'CardinalitySenderSize'],
  ...['CommonCount', 'CommonItems', 'MatchCount', 'MatchedPositions'],
  ...['EcdhPsiPoints', 'EcdhPsiPrefixes', 'EcdhPsiReceiverSize', 'EcdhPsiSenderSize'],
  ...['LabelledReceiverSize', 'LabelledRecords', 'LabelledSenderSize'],
  ...['HintSeed', 'HintSlots', 'StarLeaderSize', 'StarSpokeSize', 'ZeroSharingSeed'],
  ...['Rr22Correction', 'Rr22Masks', 'Rr22ReceiverHello', 'Rr22ReceiverSize', 'Rr22Seed'],
  ...['Rr22SenderHello', 'Rr22SenderSize'],
  ...['MatchingSalt', 'SharesOrigin', 'RunName', 'DistinctKeys'],
];

interface Source {
  readonly path: string;
  readonly text: string;
}

function sources(): readonly Source[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name))
      .map((path) => ({ path, text: withoutComments(readFileSync(path, 'utf8')) })),
  );
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** The top-level functions of a file, with all that is in them. */
function functionsOf(text: string): { readonly name: string; readonly body: string }[] {
  return text
    .split(/^(?=(?:export )?(?:async )?(?:function|class|const|interface|type) )/m)
    .flatMap((part) => {
      const name = /^(?:export )?(?:async )?(?:function|class)\*? (\w+)/.exec(part)?.[1];
      return name ? [{ name, body: part.slice(part.indexOf(name) + name.length) }] : [];
    });
}

/** Where a call stands, and whether each of them there comes after a record. */
function callsOf(call: string, files: readonly Source[]): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  const end = call.endsWith('(') ? '' : '\\b';
  const pattern = new RegExp(`\\b${call.replace(/[(.]/g, '\\$&')}${end}`, 'g');
  for (const { path, text } of files) {
    for (const { name, body } of functionsOf(text)) {
      const record = body.indexOf('ledger.record(');
      for (const { index } of body.matchAll(pattern)) {
        const place = `${path}#${name}`;
        found.set(place, (found.get(place) ?? true) && record >= 0 && record < index);
      }
    }
  }
  return found;
}

describe('openings', () => {
  const files = sources();

  it('happen only in the functions of the table, after their record', () => {
    for (const [call, { after = [], in: inside }] of Object.entries(OPENINGS)) {
      const found = callsOf(call, files);
      const expected = new Map(after.map((place) => [place, true]));
      deepEqual(new Map([...found].filter(([place]) => place !== inside)), expected, call);
      ok(inside === undefined || found.has(inside), `${call} is not in ${inside}`);
    }
  });

  it('are all there are: every message type is known to open something, or not', () => {
    const types = new Set(
      files.flatMap(({ text }) => [...text.matchAll(/\.send\(\s*([A-Z]\w*)/g)].map(([, t]) => t!)),
    );
    ok(types.size > 40, 'the scan found the messages');
    const opening = Object.keys(OPENINGS).flatMap((call) => /^send\((\w+)/.exec(call)?.[1] ?? []);
    deepEqual([...types].sort(), [...new Set([...CLOSED, ...opening])].sort());
    // Nothing is sent whose type the scan cannot read.
    const odd = files.flatMap(({ path, text }) =>
      [...text.matchAll(/\.send\(\s*(?![A-Z\s])(\w+)/g)].map(([, what]) => `${path} ${what}`),
    );
    deepEqual(odd, ['src/protocols/link-channel.ts this']);
  });

  it('are of the classes that statements declare, and each of these is opened somewhere', () => {
    const named = (pattern: RegExp, wanted: (path: string) => boolean): readonly string[] => {
      const texts = files.filter(({ path }) => wanted(path)).map(({ text }) => text);
      return [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, n]) => n!)))];
    };
    const isStatement = (path: string): boolean => path.endsWith('/leakage.ts');
    const declared = named(/\bname: '(\w+)',\s+to: '/g, isStatement);
    const opened = [
      ...named(/\bclass: '(\w+)'/g, (path) => !isStatement(path)),
      ...named(/\bScoreClass = '(\w+)'/g, (path) => path.endsWith('/scores.ts')),
      ...named(/\bScoreClass = '\w+' \| '(\w+)'/g, (path) => path.endsWith('/scores.ts')),
    ];
    ok(declared.length >= 15, declared.join());
    deepEqual([...new Set(opened)].sort(), [...declared].sort());
  });

  it('would be noticed without a record, after it alone, and elsewhere', () => {
    const file = (body: string): Source => ({
      path: 'x.ts',
      text: `async function f() {\n${body}\n}\n`,
    });
    const call = 'send(OpenedShare';
    const good = file('await ledger.record(d);\nawait ch.send(OpenedShare, {});');
    deepEqual([...callsOf(call, [good])], [['x.ts#f', true]]);
    for (const body of [
      'await ch.send(OpenedShare, {});',
      'await ch.send(OpenedShare, {});\nawait ledger.record(d);',
      'await ch.send(OpenedShare, {});\nawait ledger.record(d);\nawait ch.send(OpenedShare, {});',
    ]) {
      deepEqual([...callsOf(call, [file(body)])], [['x.ts#f', false]], body);
    }
  });
});
