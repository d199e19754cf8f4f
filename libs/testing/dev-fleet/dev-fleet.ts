// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NodeStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import {
  LockstepError,
  parseClusterName,
  parseKernelBuildId,
  parseNodeName,
  type ClusterName,
  type KernelBuildId,
} from '@lockstep/domain/livepatch-model';
import type { OperatorClient } from '@lockstep/io/rpc-client';
import { startRedis } from '@lockstep/testing/local-servers';
import { eventually } from './eventually';
import { buildBundles, fleetKernelTree } from './fleet-kernel';
import { createFleetNode, type FleetNode } from './fleet-node';
import type { FleetProcess } from './fleet-process';
import { createFleetServer, createFleetWorker, type FleetServer } from './fleet-server';

export interface DevFleetOptions {
  readonly nodes: number;
  readonly queue: 'postgres' | 'redis';
  /** How long each node's kernel takes to switch. */
  readonly transitionMs?: number;
  /** After how long a killed worker's job is taken again. */
  readonly workerLockMs?: number;
  /** Copies of kernel builds go into the artifact store, for workers with caches of their own. */
  readonly shareKernels?: boolean;
  /** The finished kernel build that it is for; the tests' usual one if undefined. */
  readonly treeDir?: string;
  /** Build workers besides the first. */
  readonly moreWorkers?: number;
  /** Nodes whose agents are two processes. */
  readonly withLoaders?: readonly string[];
  /** Further environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A control plane, a build worker and agents, each a process of its own, on one machine. */
export interface DevFleet {
  readonly folder: string;
  readonly server: FleetServer;
  readonly worker: FleetProcess;
  /** The others, where more than one was asked for. */
  readonly moreWorkers: readonly FleetProcess[];
  readonly nodes: readonly FleetNode[];
  readonly operator: OperatorClient;
  readonly cluster: ClusterName;
  readonly kernelBuild: KernelBuildId;
  /** `uname -r` of the kernel build. */
  readonly release: string;
  /** One more node of the cluster, not started and not among `nodes`. */
  addNode(name: string): Promise<FleetNode>;
  /** Resolves when every node is connected and in step with its own target. */
  settled(): Promise<void>;
  /** Leaves the fleet's folder where it is after the end, and says where. */
  keepLogs(): string;
  stop(): Promise<void>;
}

const settledWithinMs = 300_000;
const registeredWithinMs = 120_000;
const cluster = parseClusterName('dev');

/** What to undo at the end, last first. */
type Stopper = () => unknown;

interface KernelBuildSeen {
  readonly id: string;
  readonly release: string;
}

async function registerKernel({ build }: OperatorClient, treeDir: string): Promise<KernelBuildSeen> {
  const signal = AbortSignal.timeout(registeredWithinMs);
  for await (const { event } of build.addKernel({ path: treeDir, stock: undefined }, { signal })) {
    if (event?.$case === 'kernelBuild') return event.value;
  }
  throw new LockstepError('internal', 'no-answer', 'The kernel build was not registered.', { treeDir });
}

async function waitUntilSettled({ fleet }: OperatorClient, expected: readonly FleetNode[]): Promise<void> {
  await eventually(
    'every node is connected and in step',
    async () => {
      for (const { agent } of expected) agent.assertRunning();
      const { nodes } = await fleet.listNodes({ cluster, selector: '', withoutCve: '' });
      const behind = nodes.filter(
        ({ connected, report }) => !connected || report?.status !== NodeStatus.NODE_STATUS_IN_STEP,
      );
      if (nodes.length >= expected.length && behind.length === 0) return true;
      throw new Error(JSON.stringify(behind, undefined, 1));
    },
    { withinMs: settledWithinMs },
  );
}

async function bootFleet(folder: string, options: DevFleetOptions, stoppers: Stopper[]) {
  buildBundles();
  const treeDir = options.treeDir ?? (await fleetKernelTree());
  const redis = options.queue === 'redis' ? await startRedis(path.join(folder, 'redis')) : undefined;
  if (redis !== undefined) stoppers.push(() => redis.stop());
  const server = await createFleetServer(folder, redis?.url, options.shareKernels, options.env);
  stoppers.push(() => server.stop());
  await server.start();
  const worker = createFleetWorker(folder, server, redis?.url, options.workerLockMs, undefined, options.env);
  stoppers.push(() => worker.stop());
  worker.start();
  const moreWorkers = Array.from({ length: options.moreWorkers ?? 0 }, (_, index) =>
    createFleetWorker(folder, server, redis?.url, options.workerLockMs, `build-worker-${index + 2}`, options.env),
  );
  for (const other of moreWorkers) {
    stoppers.push(() => other.stop());
    other.start();
  }
  const operator = server.connect();
  stoppers.push(() => {
    operator.close();
  });
  const { id, release } = await registerKernel(operator, treeDir);
  await operator.fleet.createCluster({ name: cluster, ...switchingToWire({}) });
  return { server, worker, moreWorkers, operator, cluster, kernelBuild: parseKernelBuildId(id), release };
}

type BootedFleet = Awaited<ReturnType<typeof bootFleet>>;

async function makeNode(
  text: string,
  folder: string,
  booted: BootedFleet,
  { transitionMs = 0, env, withLoaders = [] }: DevFleetOptions,
): Promise<FleetNode> {
  const { operator, server, kernelBuild, release } = booted;
  const name = parseNodeName(text);
  const { joinToken } = await operator.fleet.createJoinToken({
    cluster,
    node: name,
    ttlSeconds: 0,
    allow: '',
    count: 0,
  });
  const nodeFolder = path.join(folder, name);
  mkdirSync(nodeFolder);
  const spec = { name, folder: nodeFolder, kernelBuild, release, joinToken, transitionMs };
  return createFleetNode({ ...spec, server: server.address, env, hasLoader: withLoaders.includes(name) });
}

/** Boots everything; resolves when every node has enrolled and is in step. Ends what it started if it cannot. */
export async function startDevFleet(options: DevFleetOptions): Promise<DevFleet> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-fleet-'));
  const stoppers: Stopper[] = [];
  let keepsLogs = process.env['LOCKSTEP_KEEP_LOGS'] !== undefined;
  const stop = async (): Promise<void> => {
    for (const stopper of stoppers.splice(0).reverse()) await stopper();
    if (!keepsLogs) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const booted = await bootFleet(folder, options, stoppers);
    const nodes: FleetNode[] = [];
    const addNode = async (name: string): Promise<FleetNode> => {
      const node = await makeNode(name, folder, booted, options);
      stoppers.push(() => node.agent.stop());
      return node;
    };
    for (let index = 1; index <= options.nodes; index += 1) nodes.push(await addNode(`n${index}`));
    for (const { agent } of nodes) agent.start();
    const settled = (): Promise<void> => waitUntilSettled(booted.operator, nodes);
    await settled();
    const keepLogs = (): string => {
      keepsLogs = true;
      return folder;
    };
    return { ...booted, folder, nodes, addNode, settled, keepLogs, stop };
  } catch (error) {
    keepsLogs = true;
    await stop();
    throw new Error(`The fleet did not start (logs in ${folder}): ${String(error)}`, { cause: error });
  }
}
