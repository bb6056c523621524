/**
 * The composition root: makes every object of a node, in order, and stops them in reverse.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemRng } from '../protocols/primitives/rng.ts';
import { auditService, witnessVerifiers } from './audit/audit-service.ts';
import type { EntryBody } from './audit/entry.ts';
import { verifyLogKey } from './audit/log-key.ts';
import { logWitness } from './audit/log-witness.ts';
import { type NodeAudit, openAudit } from './audit/open-audit.ts';
import { storedEvidence } from './audit/stored-evidence.ts';
import { auditedDatasets, recordAccess, termsOf } from './audited-datasets.ts';
import { auditedPolicy } from './audited-policy.ts';
import { createCatalog } from './catalog/catalog.ts';
import { datasetRegistry } from './catalog/dataset-registry.ts';
import { serveCatalog } from './catalog/handlers.ts';
import { localCatalog } from './catalog/local-catalog.ts';
import type { RunningNode } from './cli/command.ts';
import { systemClock } from './clock.ts';
import { loadConfig, type NodeConfig } from './config.ts';
import { approveTask } from './consensus/approval.ts';
import { canonicalBytes } from './consensus/canonical-json.ts';
import { serveCheckpoints, showLog } from './consensus/checkpoint-exchange.ts';
import type { ConsensusNode } from './consensus/consensus-node.ts';
import type { Contract } from './consensus/contract.ts';
import { requestTerms } from './consensus/describe.ts';
import { serveConsensus } from './consensus/handlers.ts';
import { keyRingOf } from './consensus/key-ring.ts';
import { offeredDatasets } from './consensus/offered-datasets.ts';
import { exchangeAgain } from './consensus/receipt.ts';
import { consensusRecords } from './consensus/records.ts';
import type { TaskDraft } from './consensus/task-draft.ts';
import { createDatasets } from './datasets/datasets.ts';
import { openDisclosureLedger } from './disclosure-ledger.ts';
import { nodeMetrics } from './http/metrics.ts';
import { requestTrail } from './http/request-trail.ts';
import { createHttpServer, type HttpServerOptions } from './http/server.ts';
import { storeCheck } from './http/store-check.ts';
import { implementationDigest, programVersion } from './implementation.ts';
import { livePeers, readPeers } from './live-peers.ts';
import { createLog } from './log.ts';
import { logDenial } from './log-denial.ts';
import { ModelRegistry } from './models/model-registry.ts';
import {
  checkpointFolder,
  partsFolder,
  spillFolder,
  stagingFolder,
  storeFolder,
} from './node-folders.ts';
import { identityOf, sealOf } from './node-identity.ts';
import { openedCounts } from './opened-values.ts';
import { peerTraffic } from './peer-traffic.ts';
import { pinnedPeersTrail, pinnedWitnessesTrail } from './pinned-keys-trail.ts';
import { policyFile } from './policy-file.ts';
import { Store } from './store.ts';
import { storedAttempts } from './stored-attempts.ts';
import { checkpointStore } from './tasks/checkpoint-store.ts';
import { declareAlgorithms } from './tasks/declaration.ts';
import { deliveriesInto } from './tasks/deliveries.ts';
import { draftTask } from './tasks/draft-task.ts';
import { draftLocalPrediction } from './tasks/local-prediction.ts';
import { resultStore } from './tasks/result-store.ts';
import { taskBoard } from './tasks/task-board.ts';
import { taskEngine } from './tasks/task-engine.ts';
import { taskQueue } from './tasks/task-queue.ts';
import { runInThread, type TaskThreadHost } from './tasks/thread/task-thread.ts';
import { ownParts, trainedModels } from './tasks/trained-models.ts';
import { storedTokens } from './tokens.ts';
import { Transport } from './transport/transport.ts';

/** Starts the node of a configuration file; environment variables override its values. */
export async function startNode(configPath: string): Promise<RunningNode> {
  const config = await loadConfig(configPath, process.env);
  const stack = new StopStack();
  try {
    return await compose(configPath, config, stack);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function compose(
  configPath: string,
  config: NodeConfig,
  stack: StopStack,
): Promise<RunningNode> {
  const log = createLog({ ...config.log, node: config.name }, process.stderr);
  const seal = await sealOf(config);
  const identity = await identityOf(config, seal);
  const peers = await readPeers(config.peers);
  const clock = systemClock;
  const now = (): number => clock.now();
  const rng = systemRng;

  const store = await Store.open(storeFolder(config));
  stack.push(() => store.close());
  const audit = await openAudit(config, { identity, seal, store, now, rng });
  const { trail, salts } = audit;
  const counts = openedCounts(store);
  stack.push(() => audit.log.close());
  const peersChanged = pinnedPeersTrail(store, trail);
  await recordStart(audit, config);
  await peersChanged(peers, BY_NODE);
  await pinnedWitnessesTrail(store, trail)(config.audit.witnesses, BY_NODE);

  const attempts = storedAttempts(store);
  const transport = new Transport({
    identity,
    peers,
    ...config.listen.grpc,
    attempts,
    limits: { peerTimeoutMs: config.tasks.peerTimeoutSec * 1000 },
    onRefused: ({ code, remoteAddress }) => log.warn({ code, remoteAddress }, 'connection refused'),
  });
  const records = consensusRecords(store, now);
  const models = new ModelRegistry(
    { results: config.resultDir, parts: partsFolder(config) },
    { store },
  );
  const findTrained = trainedModels(models, records);
  const registry = datasetRegistry(store, now);
  const files = createDatasets({ ...config.data, registered: registry.find }, rng);
  const local = localCatalog(files, registry);
  const datasets = auditedDatasets(
    offeredDatasets(files, store, ownParts(findTrained, models), now),
    trail,
    now,
  );
  const policy = auditedPolicy(policyFile(config.policyFile), trail, salts);
  const implementation = await implementationDigest();

  const keys = keyRingOf(identity, () => transport.peers);
  const witness = logWitness({ ...audit, keys, store });
  const exchange = { peers: transport, records, witness, trail };
  const evidence = storedEvidence({
    identity,
    peers: () => transport.peers.all,
    store,
    records,
    log: audit.log,
    logKey: audit.key.certificate,
    trail,
    salts,
  });
  const consensus: ConsensusNode = {
    signer: identity,
    keys,
    peers: transport,
    policy,
    datasets,
    declare: declareAlgorithms(implementation),
    records,
    attempts,
    events: {
      committed: (taskId, record) => tasks.committed(taskId, record),
      asked: (taskId, contract) => {
        log.info({ task: taskId, peer: contract.initiator }, 'task waits for approval');
        tasks.asked(taskId, contract);
      },
      approved: (taskId) => {
        log.info({ task: taskId }, 'task approved');
        tasks.approved(taskId);
      },
      ended: (taskId, end) => {
        log.warn({ task: taskId, peer: end.party, code: end.code }, 'task ended without a result');
        tasks.ended(taskId, end);
      },
      denied: (peer, decision, cause) => logDenial(log, peer, decision, cause),
      failed: (error) => log.error({ err: error }, 'consensus failed here'),
    },
    audit: {
      trail,
      implementation,
      head: () => Buffer.from(audit.log.head().root).toString('hex'),
      show: (taskId, peer, at) => showLog(exchange, taskId, peer, at),
    },
    now,
    rng,
  };
  const drafting = {
    name: identity.name,
    fingerprintOf: (party: string) => consensus.keys.find(party)?.fingerprint,
    requestTerms: (party: string, draft: TaskDraft) => requestTerms(consensus, party, draft),
    findTrained,
    implementation,
    contractLifetimeSec: config.tasks.contractLifetimeSec,
    now,
    rng,
  };
  const board = taskBoard(store, clock);
  const traffic = peerTraffic();
  const { memoryLimitBytes, spillBytes } = config.tasks;
  await rm(spillFolder(config), { recursive: true, force: true }); // an earlier process's
  const tasks = taskEngine({
    consensus,
    board,
    queue: taskQueue(config.tasks.concurrent),
    attempts,
    checkpoints: checkpointStore(checkpointFolder(config)),
    results: resultStore(
      store,
      models,
      { staging: stagingFolder(config), results: config.resultDir },
      deliveriesInto(trail, salts),
    ),
    server: transport,
    openSession: async (terms, options) =>
      traffic.count(await transport.openSession(terms, options)),
    draft: (request) => draftTask(drafting, request),
    draftLocal: (request) =>
      draftLocalPrediction(
        {
          self: identity.name,
          models,
          datasets: files,
          accessed: (task, terms) =>
            recordAccess(trail, terms, {
              purpose: 'apply',
              peer: identity.name,
              scope: { task },
            }),
        },
        request,
      ),
    approve: (taskId, record) => approveTask(consensus, taskId, record),
    run: (job, host, signal) =>
      runInThread(
        {
          ...job,
          memoryLimitBytes,
          psiWorkers: config.psi.workers,
          spill: { folder: join(spillFolder(config), job.taskId), aboveBytes: spillBytes },
        },
        host,
        signal,
      ),
    sources: async (contract, taskId, attempt) => ({
      loadDataset: async () => {
        const scope = { task: taskId, attempt };
        const access = { purpose: 'compute', peer: contract.initiator, scope } as const;
        await recordAccess(trail, termsOf(contract, identity.name), access);
        return datasets.load(contract, identity.name);
      },
      loadModel: () => modelOf(models, contract),
      ledger: await openDisclosureLedger(
        { store, trail, counts, now },
        { contract, taskId, attempt },
      ),
    }),
    peerTimeoutMs: config.tasks.peerTimeoutSec * 1000,
    timeoutMs: config.tasks.timeoutSec * 1000,
    clock,
    log,
  });

  serveConsensus(transport, consensus);
  serveCheckpoints(transport, exchange);
  serveCatalog(transport, {
    local,
    policy,
    events: {
      denied: (peer, err) =>
        log.warn({ peer, ...(err === undefined ? {} : { err }) }, 'dataset not shown to peer'),
      failed: (error) => log.error({ err: error }, 'catalog failed here'),
    },
    now,
  });
  const grpcPort = await transport.start();
  stack.push(() => transport.stop());
  stack.push(() => tasks.stop());
  await tasks.recover();

  const version = await programVersion();
  const source = { tasks: () => board.count(), peerBytes: () => traffic.bytes() };
  const metrics = nodeMetrics(source, { version, implementation });
  board.subscribe(({ type, view }) => {
    if (type === 'end') metrics.taskEnded(view);
  });
  const http = createHttpServer(
    {
      ...config.listen.http,
      auth: config.http.auth,
      allowPlaintext: config.http.allowPlaintext,
      ...(await httpTls(config)),
      syncWaitMs: config.http.syncTimeoutSec * 1000,
      bodyLimitBytes: config.http.bodyLimitBytes,
      callsPerMinute: config.http.callsPerMinute,
      version,
    },
    {
      tasks,
      catalog: createCatalog({
        me: config.name,
        local,
        peers: transport,
        peerNames: () => transport.peers.all.map(({ name }) => name),
      }),
      models,
      peers: livePeers(configPath, process.env, transport, (book, { id }) =>
        peersChanged(book, { via: 'http', id }),
      ),
      audit: auditService({
        evidence,
        log: audit.log,
        verifiers: verifyLogKey(identity.name, keys.find(identity.name)!, audit.key.certificate),
        witnesses: witnessVerifiers(config.audit.witnesses),
        store,
        exchangeReceipts: (task) => exchangeAgain(consensus, task),
      }),
      tokens: storedTokens(store, rng),
      trail: requestTrail(trail, salts),
      store,
      readiness: async () => [
        await storeCheck(store),
        { name: 'grpc', ready: transport.isListening },
      ],
      metrics,
      logger: log,
    },
  );
  const url = await http.start();
  stack.push(() => http.stop());

  const listening = { grpc: `${config.listen.grpc.host}:${grpcPort}`, http: url };
  log.info({ ...listening, fingerprint: identity.fingerprint }, 'node started');
  return {
    listening,
    stop: async () => {
      await stack.stop();
      log.info({}, 'node stopped');
    },
  };
}

/** What this node has of the model that a contract applies. Throws `ModelFormatError`. */
async function modelOf(
  models: ModelRegistry,
  contract: Contract,
): ReturnType<TaskThreadHost['loadModel']> {
  if (contract.kind !== 'predict') throw new TypeError('"contract" expected a prediction');
  const { id } = contract.model;
  return {
    part: await models.loadPart(id),
    document: (await models.get(id)) && (await models.load(id)),
  };
}

/** What nobody asked for. */
const BY_NODE: EntryBody<'administration'>['actor'] = { via: 'node', id: 'node' };

/** Records that the node started, and commits to the configuration that it goes by. */
async function recordStart({ trail, salts }: NodeAudit, config: NodeConfig): Promise<void> {
  const digest = await salts.commit(canonicalBytes(config));
  const body = {
    action: 'node_started',
    actor: BY_NODE,
    subject: null,
    role: null,
    digest,
  } as const;
  await trail.record('administration', {}, body);
}

/** What to undo, the last thing first. A step that fails does not keep the others from being undone. */
class StopStack {
  readonly #steps: (() => Promise<void>)[] = [];

  push(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  async stop(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the node did not stop in order');
  }
}

/** The certificate of the HTTP interface, if it does TLS itself. */
async function httpTls({ http }: NodeConfig): Promise<Pick<HttpServerOptions, 'tls'>> {
  if (!http.tls) return {};
  const { certificateFile, keyFile } = http.tls;
  return {
    tls: {
      certificatePem: await readFile(certificateFile, 'utf8'),
      privateKeyPem: await readFile(keyFile, 'utf8'),
    },
  };
}
