import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import type {
  ContractParty,
  LinearPrediction,
  LinearTraining,
  PsiContract,
  TreePrediction,
  TreeTraining,
} from '../../src/party/consensus/contract.ts';
import type { Declaration } from '../../src/party/consensus/contract-check.ts';
import type { KeyRing, PinnedKey, Signer } from '../../src/party/consensus/signature.ts';

/** The time at which the sample contract is fresh. */
export const NOW: number = Date.parse('2026-03-01T12:00:00.000Z');

export const DECLARATION: Declaration = {
  implementation: 'ab'.repeat(32),
  leakage: {
    algorithm: 'vertical logistic regression',
    opened: [
      {
        name: 'intersection_size',
        to: 'all',
        phase: 'aligning',
        elements: '1',
        most: 1,
        meaning: 'How many rows the parties have in common.',
      },
      {
        name: 'validation_scores',
        to: 'label_holder',
        phase: 'evaluating',
        elements: 'rows * validation_set_rate',
        most: 200,
        meaning: 'The model’s score of each held-out row.',
      },
      {
        name: 'weights',
        to: 'receivers',
        phase: 'publishing',
        elements: 'features + 1',
        most: 6,
        meaning: 'The model.',
      },
    ],
    structural: ['row and column counts'],
    assumptions: ['semi-honest parties', 'RLWE'],
  },
};

/** An identity made for one test run: signs, and verifies as its peers would. */
export interface TestIdentity {
  readonly signer: Signer;
  readonly pinned: PinnedKey;
}

const framed = (domain: string, message: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${domain.length}:${domain}`), message]);

export function testIdentity(name: string): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const fingerprint = createHash('sha256').update(spki).digest('hex');
  return {
    signer: {
      name,
      fingerprint,
      sign: (domain, message) => sign(null, framed(domain, message), privateKey),
    },
    pinned: {
      fingerprint,
      verify: (domain, message, signature) =>
        verify(null, framed(domain, message), publicKey, signature),
    },
  };
}

export function keyRing(identities: readonly TestIdentity[]): KeyRing {
  const byName = new Map(identities.map(({ signer, pinned }) => [signer.name, pinned]));
  return { find: (name) => byName.get(name) };
}

/** A contract between a label holder, feature holders and perhaps a party that only receives. */
export function sampleContract(
  [label, ...others]: readonly Signer[],
  { receiver, ...changes }: Partial<LinearTraining> & { receiver?: Signer } = {},
): LinearTraining {
  const dataset = {
    path: 'credit/train.csv',
    type: 'csv',
    rowCount: 1000,
    keyColumns: ['id'],
    payload: [],
    minimumIntersection: 0,
    commitment: 'cd'.repeat(32),
  } as const;
  const parties: ContractParty[] = [
    {
      name: label!.name,
      fingerprint: label!.fingerprint,
      role: 'label_holder',
      dataset: {
        ...dataset,
        labelColumn: 'y',
        features: [{ name: 'age', kind: 'numeric' }],
      },
    },
    ...others.map(({ name, fingerprint }): ContractParty => {
      const features = [
        { name: 'income', kind: 'numeric' } as const,
        { name: 'region', kind: 'categorical', categories: 3 } as const,
      ];
      const terms = { ...dataset, labelColumn: null, features };
      return { name, fingerprint, role: 'feature_holder', dataset: terms };
    }),
  ];
  if (receiver) {
    const { name, fingerprint } = receiver;
    parties.push({ name, fingerprint, role: 'receiver', dataset: null });
  }
  return {
    version: 1,
    kind: 'train',
    algorithm: {
      name: 'logistic_regression',
      partition: 'vertical',
      implementation: DECLARATION.implementation,
    },
    parameters: {
      solver: 'auto',
      loss: 'logloss',
      epochs: 20,
      batch_size: 256,
      learning_rate: 0.1,
      momentum: 0.9,
      l2: 0.01,
      use_intercept: true,
      class_weight: 'none',
      use_validation_set: true,
      validation_set_rate: 0.2,
      seed: 42,
      predict_threshold: 0.5,
      open_bits: 12,
      model_release: 'full',
    },
    metrics: ['auc', 'accuracy'],
    security: { model: 'semi-honest', kappa: 128, sigma: 40 },
    leakage: DECLARATION.leakage,
    alignment: {
      method: 'psi',
      engine: others.length > 1 ? 'rr22' : 'ecdh',
      duplicates: 'reject',
      minimumIntersection: 0,
    },
    parties,
    receivers: [label!.name, ...(receiver ? [receiver.name] : [])],
    initiator: label!.name,
    purpose: 'credit risk',
    createdAt: new Date(NOW).toISOString(),
    expiresAt: new Date(NOW + 3_600_000).toISOString(),
    nonce: 'ef'.repeat(32),
    ...changes,
  };
}

/** The parties of the sample contract, growing trees. */
export function sampleTrees(
  signers: readonly Signer[],
  { receiver, ...changes }: Partial<TreeTraining> & { receiver?: Signer } = {},
): TreeTraining {
  const { algorithm, parameters, ...terms } = sampleContract(signers, receiver && { receiver });
  const { use_validation_set, validation_set_rate, seed, ...told } = parameters;
  const { predict_threshold, open_bits, model_release } = told;
  return {
    ...terms,
    algorithm: { ...algorithm, name: 'xgboost' },
    parameters: {
      objective: 'binary:logistic',
      num_class: 1,
      num_trees: 5,
      learning_rate: 0.3,
      max_depth: 2,
      num_bins: 16,
      reg_lambda: 1,
      reg_alpha: 0,
      gamma: 0,
      min_child_weight: 1,
      subsample: 1,
      colsample_bytree: 1,
      scale_pos_weight: 1,
      base_score: 0.5,
      early_stopping_rounds: 0,
      split_finding: 'open_sums',
      noise_multiplier: 1,
      use_validation_set,
      validation_set_rate,
      seed,
      predict_threshold,
      open_bits,
      model_release,
    },
    ...changes,
  };
}

/** The parties of a training of trees, in a prediction on other records. */
export function sampleTreePrediction(signers: readonly Signer[]): TreePrediction {
  const { metrics: _, parameters, ...terms } = sampleTrees(signers);
  const { objective, num_class, num_trees, max_depth, predict_threshold, open_bits } = parameters;
  return {
    ...terms,
    kind: 'predict',
    model: { id: 'model-01hqxyzabcdefghjkmnpqrstvw', taskId: 'ab'.repeat(32) },
    parameters: { objective, num_class, num_trees, max_depth, predict_threshold, open_bits },
    parties: terms.parties.map((party) => ({
      ...party,
      dataset: party.dataset && { ...party.dataset, labelColumn: null },
    })),
  };
}

/** The parties of the sample contract, in a prediction on other records. */
export function samplePrediction(signers: readonly Signer[]): LinearPrediction {
  const { metrics: _, ...terms } = sampleContract(signers);
  return {
    ...terms,
    kind: 'predict',
    model: { id: 'model-01hqxyzabcdefghjkmnpqrstvw', taskId: 'ab'.repeat(32) },
    parameters: { predict_threshold: 0.5, open_bits: 12 },
    parties: terms.parties.map((party) => ({
      ...party,
      dataset: party.dataset && { ...party.dataset, labelColumn: null },
    })),
  };
}

/** The parties of the sample contract, in an intersection of their keys. */
export function sampleIntersection(
  signers: readonly Signer[],
  changes: Partial<PsiContract> = {},
): PsiContract {
  const { metrics: _, parameters: __, ...terms } = sampleContract(signers);
  return {
    ...terms,
    kind: 'psi',
    algorithm: { ...terms.algorithm, name: 'intersection', partition: 'psi' },
    parameters: { output: 'rows', join: 'inner' },
    parties: terms.parties.map((party) => ({
      ...party,
      role: 'data_holder',
      dataset: party.dataset && { ...party.dataset, labelColumn: null, features: [] },
    })),
    ...changes,
  };
}

/** One in which the second party hands over two columns of each common record. */
export function sampleLabelled(signers: readonly [Signer, Signer]): PsiContract {
  const { algorithm, alignment, parties, ...terms } = sampleIntersection(signers);
  return {
    ...terms,
    algorithm: { ...algorithm, name: 'labelled_intersection' },
    alignment: { ...alignment, engine: 'rr22' },
    parties: parties.map((party, i) => ({
      ...party,
      dataset: party.dataset && { ...party.dataset, payload: i === 1 ? ['city', 'segment'] : [] },
    })),
  };
}
