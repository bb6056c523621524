/** The catalog calls as the control plane serves them, under this node's policy. */
import type { MetadataResponse } from '../../../proto/gen/catalog.ts';
import { datasetErrorCode } from '../consensus/task-draft.ts';
import type { DatasetMetadata } from '../http/services.ts';
import type { PolicySource } from '../policy-file.ts';
import type { Policy } from '../policy-rule.ts';
import { seesAnyDataset, visibleColumns } from '../policy-visibility.ts';
import type { ControlServer } from '../transport/control.ts';
import type { LocalCatalog } from './local-catalog.ts';
import { decodePath, encodeMetadata, encodePaths, encodeRefusal, METHODS } from './wire.ts';

export interface CatalogNode {
  readonly local: LocalCatalog;
  readonly policy: PolicySource;
  readonly events: CatalogEvents;
  /** Unix ms. */
  now(): number;
}

/** What the rest of the node is told, for its log. Must not throw. */
export interface CatalogEvents {
  /** A peer asked about a dataset that it may not use; with a cause, because the policy is unreadable. */
  denied(peer: string, cause?: unknown): void;
  /** This node failed at what it should have been able to do. */
  failed(error: unknown): void;
}

const NO_RULES: Policy = { version: 1, rules: [] };

/**
 * Serves the datasets of this node to peers. A peer sees what some rule lets it use, and of that only
 * the columns it may use. Everything else looks like a dataset that does not exist, in the answer and
 * in the time it takes: the policy is asked before the disk.
 */
export function serveCatalog(server: ControlServer, node: CatalogNode): void {
  const { local, events } = node;
  /** Describing reads a whole file: one at a time for a peer. */
  const describing = new Set<string>();

  server.handle(METHODS.paths, async ({ name: peer }) => {
    const policy = await readPolicy(node, peer);
    if (!seesAnyDataset(policy, peer, node.now())) return encodePaths([]);
    const paths = await local.paths();
    const visible = (path: string) => visibleColumns(policy, peer, path, node.now()) !== null;
    return encodePaths(paths.filter(visible));
  });

  server.handle(METHODS.metadata, async ({ name: peer }, request) => {
    const path = decodePath(request);
    const policy = await readPolicy(node, peer);
    const visible = visibleColumns(policy, peer, path, node.now());
    if (!visible) {
      events.denied(peer);
      return encodeRefusal('refused');
    }
    if (describing.has(peer)) return encodeRefusal('busy');
    describing.add(peer);
    try {
      const { columns, ...rest } = await local.metadata(path);
      return answerOf({ ...rest, columns: columns.filter(({ name }) => visible(name)) });
    } catch (error) {
      return refusalOf(error, events);
    } finally {
      describing.delete(peer);
    }
  });
}

/** A policy that cannot be read shows nothing. */
async function readPolicy({ policy, events }: CatalogNode, peer: string): Promise<Policy> {
  return policy().catch((cause: unknown) => {
    events.denied(peer, cause);
    return NO_RULES;
  });
}

/** A dataset without a column that the peer may use is one that it may not use. */
function answerOf(metadata: DatasetMetadata): MetadataResponse {
  if (metadata.columns.length === 0) return encodeRefusal('refused');
  return encodeMetadata(metadata) ?? encodeRefusal('dataset/too_large');
}

/** The code alone: a message of the dataset may name a column that the peer may not see. */
function refusalOf(error: unknown, events: CatalogEvents): MetadataResponse {
  const code = datasetErrorCode(error);
  if (code === undefined) {
    events.failed(error);
    throw error;
  }
  return encodeRefusal(code === 'missing_dataset' ? 'refused' : `dataset/${code}`);
}
