import type { LeakageStatement } from '../../protocols/disclosure.ts';
import { canonicalBytes, canonicalDigest, canonicalJson } from './canonical-json.ts';
import type { Contract, ContractParty } from './contract.ts';
import { ContractSchema, MAX_COLUMNS, MAX_CONTRACT_BYTES } from './contract-schema.ts';
import { ConsensusError } from './errors.ts';
import { featuresWidth } from './feature-width.ts';
import { checkShape, decodeJson, isTimestamp } from './schema.ts';

/** Longest time from creation to expiry. Own choice: a working week and its week-ends. */
export const MAX_LIFETIME_MS = 9 * 24 * 3_600_000;
/** How far two organisations' clocks may differ. Own choice. */
export const CLOCK_SKEW_MS = 5 * 60_000;

/** What this node's own code is and reveals when it runs an algorithm. */
export interface Declaration {
  /** Digest of the implementation, 32 bytes hex. */
  readonly implementation: string;
  readonly leakage: LeakageStatement;
}

/** The declaration of this node's code for what the contract runs; undefined when it has none. */
export type Declare = (contract: Contract) => Declaration | undefined;

/** SHA-256 of the canonical contract, lower-case hex. */
export function taskIdOf(contract: Contract): string {
  return canonicalDigest(contract);
}

/**
 * The contract that a peer's bytes hold, once every field and every relation between fields is
 * checked. Throws `malformed_contract` with the field's path.
 */
export function decodeContract(bytes: Uint8Array): Contract {
  const contract = decodeJson(ContractSchema, bytes, MAX_CONTRACT_BYTES, 'malformed_contract');
  checkRelations(contract);
  return contract;
}

/** The same checks for a contract that this node composed. */
export function checkContract(contract: Contract): void {
  checkShape(ContractSchema, contract, 'malformed_contract');
  if (canonicalBytes(contract).length > MAX_CONTRACT_BYTES) {
    malformed('value', `must take at most ${MAX_CONTRACT_BYTES} bytes`);
  }
  checkRelations(contract);
}

/** Refuses a contract whose algorithm this node's code does not run exactly as it is described. */
export function checkDeclaration(contract: Contract, declare: Declare): void {
  const own = declare(contract);
  if (!own) {
    throw new ConsensusError(
      'implementation_mismatch',
      'this node has no code for such parties or parameters',
    );
  }
  if (own.implementation !== contract.algorithm.implementation) {
    throw new ConsensusError(
      'implementation_mismatch',
      'algorithm/implementation is not the code that this node runs',
    );
  }
  if (canonicalJson(own.leakage) !== canonicalJson(contract.leakage)) {
    throw new ConsensusError(
      'leakage_mismatch',
      'leakage is not what this node declares for the algorithm',
    );
  }
}

/** Refuses a contract before its time (`not_yet_valid`) or after it (`expired`). `now`: Unix ms. */
export function checkValidity(contract: Contract, now: number): void {
  if (Date.parse(contract.createdAt) > now + CLOCK_SKEW_MS) {
    throw new ConsensusError('not_yet_valid', 'createdAt is in the future');
  }
  if (Date.parse(contract.expiresAt) <= now) {
    throw new ConsensusError('expired', `the contract expired at ${contract.expiresAt}`);
  }
}

function checkRelations(contract: Contract): void {
  checkTimes(contract);
  checkParties(contract);
  for (const [i, party] of contract.parties.entries()) {
    if (party.dataset) checkDataset(contract, party, `parties/${i}/dataset`);
  }
  const datasets = contract.parties.flatMap((party) => party.dataset ?? []);
  const columns = datasets.reduce((sum, { features }) => sum + featuresWidth(features), 0);
  if (columns > MAX_COLUMNS) malformed('parties', `must have at most ${MAX_COLUMNS} model columns`);
  const rows = datasets.map((dataset) => dataset.rowCount);
  if (contract.alignment.method === 'row_order' && new Set(rows).size > 1) {
    malformed('parties', 'must have equal row counts when aligned by row order');
  }
  checkParameters(contract, Math.min(...rows));
}

function checkTimes({ createdAt, expiresAt }: Contract): void {
  if (!isTimestamp(createdAt)) malformed('createdAt', 'must be a date');
  if (!isTimestamp(expiresAt)) malformed('expiresAt', 'must be a date');
  const lifetimeMs = Date.parse(expiresAt) - Date.parse(createdAt);
  if (lifetimeMs <= 0) malformed('expiresAt', 'must be after createdAt');
  if (lifetimeMs > MAX_LIFETIME_MS) {
    malformed('expiresAt', `must be at most ${MAX_LIFETIME_MS / 3_600_000} h after createdAt`);
  }
}

/** Position of each role in `parties`: one label holder, feature holders, receivers. */
const ROLE_ORDER = { label_holder: 0, feature_holder: 1, receiver: 2 } as const;

function checkParties({ parties, receivers, initiator }: Contract): void {
  const names = parties.map((party) => party.name);
  const lowerCase = names.map((name) => name.toLowerCase()); // names stand in DNS names
  for (const [i, party] of parties.entries()) {
    const order = ROLE_ORDER[party.role];
    if (i === 0 && order !== 0) malformed('parties/0/role', 'must be label_holder');
    if (i === 1 && order !== 1) malformed('parties/1/role', 'must be feature_holder');
    if (i > 0 && (order === 0 || order < ROLE_ORDER[parties[i - 1]!.role])) {
      malformed(`parties/${i}/role`, 'must follow: label_holder, feature_holder..., receiver...');
    }
    if (lowerCase.indexOf(party.name.toLowerCase()) < i) {
      malformed(`parties/${i}/name`, 'must be unique, also in lower case');
    }
    if (parties.findIndex((other) => other.fingerprint === party.fingerprint) < i) {
      malformed(`parties/${i}/fingerprint`, 'must be unique');
    }
    if ((party.role === 'receiver') !== (party.dataset === null)) {
      malformed(`parties/${i}/dataset`, 'must be null for a receiver and only for a receiver');
    }
    if (party.role === 'receiver' && !receivers.includes(party.name)) {
      malformed('receivers', `must have ${party.name}, whose role it is`);
    }
  }
  for (const [i, receiver] of receivers.entries()) {
    if (!names.includes(receiver)) malformed(`receivers/${i}`, 'must be one of the parties');
    if (receivers.indexOf(receiver) < i) malformed(`receivers/${i}`, 'must be unique');
  }
  if (!names.includes(initiator)) malformed('initiator', 'must be one of the parties');
}

function checkDataset(contract: Contract, party: ContractParty, path: string): void {
  const { keyColumn, labelColumn, features } = party.dataset!;
  if ((contract.alignment.method === 'psi') !== (keyColumn !== null)) {
    malformed(`${path}/keyColumn`, 'must be a column when aligned by psi, null by row_order');
  }
  if ((party.role === 'label_holder') !== (labelColumn !== null)) {
    malformed(`${path}/labelColumn`, 'must be a column for the label holder, null for others');
  }
  if (party.role === 'feature_holder' && features.length === 0) {
    malformed(`${path}/features`, 'must not be empty');
  }
  const seen = new Set([keyColumn, labelColumn]);
  if (keyColumn !== null && keyColumn === labelColumn) {
    malformed(`${path}/labelColumn`, 'must not be the key column');
  }
  for (const [i, { name, kind, categories }] of features.entries()) {
    if (seen.has(name)) malformed(`${path}/features/${i}/name`, 'must be unique in its dataset');
    if ((kind === 'categorical') !== (categories !== undefined)) {
      malformed(
        `${path}/features/${i}/categories`,
        'must be given for a category and only for one',
      );
    }
    seen.add(name);
  }
}

function checkParameters({ algorithm, parameters, metrics }: Contract, rowCount: number): void {
  if (algorithm.name === 'linear_regression') {
    if (parameters.loss !== 'mse') malformed('parameters/loss', 'must be mse');
    if (parameters.class_weight !== 'none') malformed('parameters/class_weight', 'must be none');
  }
  if (parameters.solver === 'sgd' && parameters.batch_size > rowCount) {
    malformed('parameters/batch_size', 'must be at most the row count of each dataset');
  }
  for (const [i, metric] of metrics.entries()) {
    if (metrics.indexOf(metric) < i) malformed(`metrics/${i}`, 'must be unique');
  }
}

function malformed(path: string, expected: string): never {
  throw new ConsensusError('malformed_contract', `${path} ${expected}`);
}
