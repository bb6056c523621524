/** What a program sees of the world, made inside its thread. */
import type { MessagePort } from 'node:worker_threads';
import type { CurveEngine } from '../../../kernels/curve25519-engine.ts';
import { curvePool } from '../../../kernels/curve25519-pool.ts';
import { loadWasmHintKernel } from '../../../kernels/hint-kernel.wasm.ts';
import { loadWasmRingKernel } from '../../../kernels/ring-kernel.wasm.ts';
import { loadWasmRlweKernel } from '../../../kernels/rlwe-kernel.wasm.ts';
import { linkChannel, type MessageLink } from '../../../protocols/link-channel.ts';
import { type Rng, systemRng } from '../../../protocols/primitives/rng.ts';
import type { Spill } from '../../../protocols/psi/item-buckets.ts';
import { committingLedger } from '../../audit/value-commitment.ts';
import type { Contract } from '../../consensus/contract.ts';
import type { Checkpoint, PeerLink, ProgramContext } from '../program.ts';
import { type FileSpill, fileSpill } from './file-spill.ts';
import { type PortLink, portLink } from './port-link.ts';
import type { RemoteHost } from './remote-calls.ts';
import type { TaskMemory } from './task-memory.ts';

/** What a thread is started with. */
export interface ThreadStart {
  readonly contract: Contract;
  readonly taskId: string;
  /** This node's name. */
  readonly self: string;
  readonly resume: Checkpoint | null;
  readonly memoryLimitBytes: number;
  /** Threads for scalar multiplications. */
  readonly psiWorkers: number;
  readonly spill: SpillPlace;
  /** One to each other party, by name. */
  readonly ports: Readonly<Record<string, MessagePort>>;
}

/** Where a task keeps items that take more than it may hold of them. */
export interface SpillPlace {
  /** The task's own; nothing else is in it, and it need not exist. */
  readonly folder: string;
  readonly aboveBytes: number;
}

export interface TaskWorld {
  readonly context: ProgramContext;
  /** Resolves once every link has taken what was sent; throws what kept one from it. */
  flush(): Promise<void>;
  /** Ends links and calls: every pending and later one throws `CLOSED`. */
  close(cause: Error): void;
  /** Ends the curve threads, of which no secret stays, and closes what was spilled. */
  end(): Promise<void>;
}

/** Bytes that may be sent between two looks at the memory: own choice. */
const MEMORY_CHECK_BYTES = 1 << 20;

export function openWorld(
  start: ThreadStart,
  host: RemoteHost,
  memory: TaskMemory,
  rng: Rng,
): TaskWorld {
  const { contract, taskId, self, resume, ports } = start;
  const links = new Map<string, PortLink>();
  for (const [peer, port] of Object.entries(ports)) links.set(peer, portLink(port, host));
  const peers = new Map<string, PeerLink>();
  let curve: CurveEngine | undefined;
  let spilled: FileSpill | undefined;

  function peerLink(peer: string): PeerLink {
    const link = links.get(peer);
    if (!link) throw new RangeError(`"peer" expected another party of the contract, got ${peer}`);
    return {
      channel: linkChannel(watched(link, memory)),
      deriveKey: (purpose, length) => host.deriveKey(peer, purpose, length),
    };
  }

  const context: ProgramContext = {
    contract,
    taskId,
    self,
    link(peer) {
      const known = peers.get(peer) ?? peerLink(peer);
      peers.set(peer, known);
      return known;
    },
    loadDataset: () => host.loadDataset(),
    loadModel: () => host.loadModel(),
    // Salts are not of the program's own stream: what its protocols draw does not depend on records.
    ledger: committingLedger({ record: async (disclosure) => host.record(disclosure) }, systemRng),
    checkpoints: { resume, save: (checkpoint) => host.save(checkpoint) },
    progress: {
      phase: (phase) => host.phase(phase),
      step(step, of) {
        memory.check();
        host.step(step, of);
      },
    },
    kernels: () => ({ ring: loadWasmRingKernel(memory), rlwe: loadWasmRlweKernel(memory) }),
    treeKernels: () => ({ hint: loadWasmHintKernel(memory), rlwe: loadWasmRlweKernel(memory) }),
    curve() {
      curve ??= curvePool({ threads: start.psiWorkers });
      return curve;
    },
    spill(bytes): Spill | null {
      if (bytes <= start.spill.aboveBytes) return null;
      spilled ??= fileSpill(start.spill.folder);
      return spilled;
    },
    budget: memory,
    rng,
  };
  return {
    context,
    async flush() {
      await Promise.all([...links.values()].map((link) => link.flush()));
    },
    close(cause) {
      for (const link of links.values()) link.close(cause);
      host.close(cause);
    },
    async end() {
      await Promise.all([curve?.close(), spilled?.close()]);
    },
  };
}

/** A link that looks at the memory now and then. */
function watched(link: MessageLink, memory: TaskMemory): MessageLink {
  let unwatched = 0;
  return {
    async send(label, type, bytes) {
      unwatched += bytes.length;
      if (unwatched >= MEMORY_CHECK_BYTES) {
        unwatched = 0;
        memory.check();
      }
      await link.send(label, type, bytes);
    },
    receive: (label) => link.receive(label),
  };
}
