import { join } from 'node:path';
import type { NodeConfig } from './config.ts';

/** The LevelDB folder of a node. */
export function storeFolder({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'store');
}

/** This party's own parts of models. */
export function partsFolder({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'parts');
}

/** The token with which commands on this machine use a running node. */
export function operatorTokenFile({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'operator.token');
}

/** Results that are not published yet. */
export function stagingFolder({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'staging');
}

/** What running tasks keep on the disk for want of memory; nothing in it outlives its process. */
export function spillFolder({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'spill');
}

/** Where tasks resume after a crash. */
export function checkpointFolder({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'checkpoints');
}

/** Hash tiles and the last checkpoint of the audit log. */
export function auditFolder({ dataDir }: Pick<NodeConfig, 'dataDir'>): string {
  return join(dataDir, 'audit');
}
