/** What a node counts, for Prometheus. Labels are few and fixed: no ids of tasks, nothing of any data. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TaskState, TaskView } from '../tasks/task-view.ts';

/** What is counted elsewhere and asked for at each scrape. */
export interface MetricsSource {
  /** Tasks of this node by state. */
  tasks(): Promise<Readonly<Partial<Record<TaskState, number>>>>;
  /** Bytes of sessions since the start, by peer. */
  peerBytes(): readonly {
    readonly peer: string;
    readonly sent: number;
    readonly received: number;
  }[];
}

export interface NodeBuild {
  readonly version: string;
  /** Digest of the program, as contracts name it. */
  readonly implementation: string;
}

export interface Call {
  readonly surface: string;
  /** As it was registered, with `:id` for ids. */
  readonly route: string;
  readonly status: number;
  /** Null for a response that lasts. */
  readonly seconds: number | null;
}

export interface NodeMetrics {
  called(call: Call): void;
  /** Called once for each task that has ended here. */
  taskEnded(task: Pick<TaskView, 'algorithm' | 'state' | 'createdAt' | 'finishedAt'>): void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** A call may wait for its task: minutes. */
const CALL_SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 900];
const TASK_SECONDS = [1, 5, 20, 60, 300, 1200, 3600, 14_400, 86_400];

/** The metrics of one node, in a registry of their own. */
export function nodeMetrics(source: MetricsSource, build: NodeBuild): NodeMetrics {
  const registry = new Registry();
  const registers = [registry];

  const calls = new Counter({
    name: 'mpc_http_requests_total',
    help: 'Requests over HTTP',
    labelNames: ['surface', 'route', 'code'],
    registers,
  });
  const callSeconds = new Histogram({
    name: 'mpc_http_request_duration_seconds',
    help: 'From the head of a request to the end of its response',
    labelNames: ['surface', 'route'],
    buckets: CALL_SECONDS,
    registers,
  });
  const taskSeconds = new Histogram({
    name: 'mpc_job_duration_seconds',
    help: 'From the acceptance of a task to its end',
    labelNames: ['algorithm', 'outcome'],
    buckets: TASK_SECONDS,
    registers,
  });
  new Gauge({
    name: 'mpc_jobs',
    help: 'Tasks of this node by state',
    labelNames: ['status'],
    registers,
    async collect() {
      for (const [status, count] of Object.entries(await source.tasks())) {
        this.set({ status }, count);
      }
    },
  });
  new Counter({
    name: 'mpc_peer_bytes_total',
    help: 'Bytes of sessions with peers',
    labelNames: ['peer', 'direction'],
    registers,
    collect() {
      this.reset();
      for (const { peer, sent, received } of source.peerBytes()) {
        this.inc({ peer, direction: 'sent' }, sent);
        this.inc({ peer, direction: 'received' }, received);
      }
    },
  });
  new Gauge({
    name: 'mpc_build_info',
    help: '1; the labels say which program runs',
    labelNames: ['version', 'implementation', 'node'],
    registers,
  }).set({ ...build, node: process.version }, 1);
  addProcessMetrics(registers);

  return {
    called({ surface, route, status, seconds }) {
      calls.inc({ surface, route, code: String(status) });
      if (seconds !== null) callSeconds.observe({ surface, route }, seconds);
    },
    taskEnded({ algorithm, state, createdAt, finishedAt }) {
      const seconds = (Date.parse(finishedAt!) - Date.parse(createdAt)) / 1000;
      taskSeconds.observe({ algorithm, outcome: state }, seconds);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/**
 * The usual figures of a process, under their usual names. The library's own collectors are not used:
 * they install observers that a stopped node could not remove.
 */
function addProcessMetrics(registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('process_start_time_seconds', 'Unix time of the start', () =>
    Math.round(Date.now() / 1000 - process.uptime()),
  );
  gauge('process_resident_memory_bytes', 'Memory in RAM', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap', () => process.memoryUsage().heapUsed);
  gauge('nodejs_external_memory_bytes', 'Memory outside the heap', () => {
    return process.memoryUsage().external;
  });
  gauge('nodejs_active_resources', 'Open sockets, timers, threads and requests', () => {
    return process.getActiveResourcesInfo().length;
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
