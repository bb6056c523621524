import Type, { type Static, type TSchema } from 'typebox';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import { canonicalBytes, canonicalDigest, canonicalJson } from './canonical-json.ts';
import type { Contract, ContractParty, PartyRole } from './contract.ts';
import { MAX_COLUMNS, MAX_CONTRACT_BYTES } from './contract-limits.ts';
import { CONTRACT_SCHEMAS } from './contract-schema.ts';
import { ConsensusError, malformedContract } from './errors.ts';
import { featuresWidth } from './feature-width.ts';
import { checkIntersection } from './intersection-check.ts';
import { checkPrediction, checkTraining } from './model-check.ts';
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

/** What decides by which schema a contract is read. */
const KIND = Type.Object({
  kind: Type.Enum(['train', 'predict', 'psi']),
  algorithm: Type.Object({ name: Type.String() }),
});

/** SHA-256 of the canonical contract, lower-case hex. */
export function taskIdOf(contract: Contract): string {
  return canonicalDigest(contract);
}

/**
 * The contract that a peer's bytes hold, once every field and every relation between fields is
 * checked. Throws `malformed_contract` with the field's path.
 */
export function decodeContract(bytes: Uint8Array): Contract {
  const contract = checkFields(decodeJson(KIND, bytes, MAX_CONTRACT_BYTES, 'malformed_contract'));
  checkRelations(contract);
  return contract;
}

/** The same checks for a contract that this node composed. */
export function checkContract(contract: Contract): void {
  checkFields(checkShape(KIND, contract, 'malformed_contract'));
  if (canonicalBytes(contract).length > MAX_CONTRACT_BYTES) {
    malformedContract('value', `must take at most ${MAX_CONTRACT_BYTES} bytes`);
  }
  checkRelations(contract);
}

/** `value`, once it has exactly the fields of its kind and algorithm. */
function checkFields(value: Static<typeof KIND>): Contract {
  const { kind, algorithm } = value;
  const schemas: Readonly<Record<string, TSchema>> = CONTRACT_SCHEMAS[kind];
  if (!Object.hasOwn(schemas, algorithm.name)) {
    malformedContract('algorithm/name', `must be one of ${Object.keys(schemas).join(', ')}`);
  }
  return checkShape(schemas[algorithm.name]!, value, 'malformed_contract') as Contract;
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
  if (columns > MAX_COLUMNS)
    malformedContract('parties', `must have at most ${MAX_COLUMNS} model columns`);
  const rows = datasets.map((dataset) => dataset.rowCount);
  if (contract.alignment.method === 'row_order' && new Set(rows).size > 1) {
    malformedContract('parties', 'must have equal row counts when aligned by row order');
  }
  checkAlignment(contract);
  if (contract.kind === 'train') checkTraining(contract);
  if (contract.kind === 'predict') checkPrediction(contract);
  if (contract.kind === 'psi') checkIntersection(contract);
}

function checkTimes({ createdAt, expiresAt }: Contract): void {
  if (!isTimestamp(createdAt)) malformedContract('createdAt', 'must be a date');
  if (!isTimestamp(expiresAt)) malformedContract('expiresAt', 'must be a date');
  const lifetimeMs = Date.parse(expiresAt) - Date.parse(createdAt);
  if (lifetimeMs <= 0) malformedContract('expiresAt', 'must be after createdAt');
  if (lifetimeMs > MAX_LIFETIME_MS) {
    malformedContract(
      'expiresAt',
      `must be at most ${MAX_LIFETIME_MS / 3_600_000} h after createdAt`,
    );
  }
}

/** The roles of a task of each kind, in their order in `parties`. */
const ROLES: Readonly<Record<Contract['kind'], readonly PartyRole[]>> = {
  train: ['label_holder', 'feature_holder', 'receiver'],
  predict: ['label_holder', 'feature_holder', 'receiver'],
  psi: ['data_holder', 'data_holder', 'receiver'],
};

function checkParties({ kind, parties, receivers, initiator }: Contract): void {
  const [first, second] = ROLES[kind];
  const names = parties.map((party) => party.name);
  const lowerCase = names.map((name) => name.toLowerCase()); // names stand in DNS names
  for (const [i, party] of parties.entries()) {
    const holderMayFollow = i > 0 && parties[i - 1]!.role !== 'receiver';
    const fits =
      i === 0
        ? party.role === first
        : (holderMayFollow && party.role === second) || (i > 1 && party.role === 'receiver');
    if (!fits) {
      malformedContract(`parties/${i}/role`, `must follow: ${first}, ${second}..., receiver...`);
    }
    if (lowerCase.indexOf(party.name.toLowerCase()) < i) {
      malformedContract(`parties/${i}/name`, 'must be unique, also in lower case');
    }
    if (parties.findIndex((other) => other.fingerprint === party.fingerprint) < i) {
      malformedContract(`parties/${i}/fingerprint`, 'must be unique');
    }
    if ((party.role === 'receiver') !== (party.dataset === null)) {
      malformedContract(
        `parties/${i}/dataset`,
        'must be null for a receiver and only for a receiver',
      );
    }
    if (party.role === 'receiver' && !receivers.includes(party.name)) {
      malformedContract('receivers', `must have ${party.name}, whose role it is`);
    }
  }
  for (const [i, receiver] of receivers.entries()) {
    if (!names.includes(receiver))
      malformedContract(`receivers/${i}`, 'must be one of the parties');
    if (receivers.indexOf(receiver) < i) malformedContract(`receivers/${i}`, 'must be unique');
  }
  if (!names.includes(initiator)) malformedContract('initiator', 'must be one of the parties');
}

function checkDataset(contract: Contract, party: ContractParty, path: string): void {
  const { keyColumns, labelColumn, features, payload, minimumIntersection } = party.dataset!;
  if (minimumIntersection > contract.alignment.minimumIntersection) {
    malformedContract('alignment/minimumIntersection', `must be at least ${minimumIntersection}`);
  }
  if ((contract.alignment.method === 'psi') !== (keyColumns !== null)) {
    malformedContract(
      `${path}/keyColumns`,
      'must be columns when aligned by psi, null by row_order',
    );
  }
  if (keyColumns?.length !== contract.parties[0]!.dataset!.keyColumns?.length) {
    malformedContract(`${path}/keyColumns`, 'must be as many as those of parties/0');
  }
  const holdsLabel = contract.kind === 'train' && party.role === 'label_holder';
  if (holdsLabel !== (labelColumn !== null)) {
    const rule = 'must be a column for the label holder of a training, null for others';
    malformedContract(`${path}/labelColumn`, rule);
  }
  if (party.role === 'feature_holder' && features.length === 0) {
    malformedContract(`${path}/features`, 'must not be empty');
  }
  if (party.role === 'data_holder' && features.length > 0) {
    malformedContract(`${path}/features`, 'must be empty: a set intersection reads keys alone');
  }
  if (labelColumn !== null && keyColumns?.includes(labelColumn)) {
    malformedContract(`${path}/labelColumn`, 'must not be a key column');
  }
  if (payload.length > 0 && contract.algorithm.name !== 'labelled_intersection') {
    malformedContract(`${path}/payload`, 'must be empty but in a labelled intersection');
  }
  const seen = new Set([labelColumn]);
  for (const [field, names] of Object.entries({ keyColumns: keyColumns ?? [], payload })) {
    for (const [i, name] of names.entries()) {
      if (seen.has(name)) {
        malformedContract(`${path}/${field}/${i}`, 'must be unique in its dataset');
      }
      seen.add(name);
    }
  }
  for (const [i, { name, kind, categories }] of features.entries()) {
    if (seen.has(name))
      malformedContract(`${path}/features/${i}/name`, 'must be unique in its dataset');
    if ((kind === 'categorical') !== (categories !== undefined)) {
      malformedContract(
        `${path}/features/${i}/categories`,
        'must be given for a category and only for one',
      );
    }
    seen.add(name);
  }
}

function checkAlignment({ kind, alignment, parties }: Contract): void {
  const { method, engine, duplicates, minimumIntersection } = alignment;
  if (duplicates === 'expand' && kind !== 'psi') {
    malformedContract('alignment/duplicates', 'must be reject or first');
  }
  if (method === 'psi') {
    const holders = parties.filter(({ dataset }) => dataset !== null).length;
    if (holders > 2 && engine !== 'rr22') {
      malformedContract('alignment/engine', 'must be rr22 for three or more data holders');
    }
    if (holders > 2 && minimumIntersection > 0) {
      const why = 'nothing counts common records before one of them learns which they are';
      const rule = `must be 0 for three or more data holders: ${why}`;
      malformedContract('alignment/minimumIntersection', rule);
    }
    return;
  }
  if (engine !== 'ecdh') malformedContract('alignment/engine', 'must be ecdh by row order');
  if (kind === 'psi') malformedContract('alignment/method', 'must be psi');
  if (minimumIntersection > 0) {
    malformedContract('alignment/minimumIntersection', 'must be 0 when aligned by row order');
  }
}
