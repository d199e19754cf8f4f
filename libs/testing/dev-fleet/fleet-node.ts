// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { KernelBuildId, ModuleName, NodeName } from '@lockstep/domain/livepatch-model';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { sayShutdown } from '@lockstep/services/node-agent';
import { bundle } from './fleet-kernel';
import { fleetProcess, type FleetProcess } from './fleet-process';

/** One machine of a fleet: a kernel that is a folder, and a real agent process. */
export interface FleetNode {
  readonly name: NodeName;
  readonly kernel: DirectoryKernel;
  readonly agent: FleetProcess;
  readonly stateDir: string;
  /** Modules the kernel holds now, bottom first. */
  holds(): Promise<ModuleName[]>;
  /** Shut down in order, though the agent is killed: what was loaded is gone. */
  shutDown(): Promise<void>;
  /** Shut down in order and started again, though the agent is killed: what was loaded is gone. */
  reboot(): Promise<void>;
}

export interface FleetNodeSpec {
  readonly name: NodeName;
  readonly folder: string;
  readonly kernelBuild: KernelBuildId;
  readonly release: string;
  /** host:port of the operator port, where nodes enrol. */
  readonly server: string;
  readonly joinToken: string;
  /** How long the kernel takes to switch; gives killers something to interrupt. */
  readonly transitionMs: number;
  /** Further environment of its agent. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A node whose agent is not started yet. */
export async function createFleetNode(spec: FleetNodeSpec): Promise<FleetNode> {
  const { name, folder, kernelBuild, release, server, joinToken, transitionMs, env } = spec;
  const kernelFolder = path.join(folder, 'kernel');
  const stateDir = path.join(folder, 'state');
  const kernel = await DirectoryKernel.create(kernelFolder, { kernelBuild, release }, { transitionMs });
  const agent = fleetProcess({
    name,
    command: process.execPath,
    args: [bundle('fleet-agent')],
    env: {
      LOCKSTEP_AGENT_SERVER: server,
      LOCKSTEP_AGENT_JOIN_TOKEN: joinToken,
      LOCKSTEP_AGENT_STATE_DIR: stateDir,
      LOCKSTEP_FLEET_KERNEL: kernelFolder,
      ...env,
    },
    logFile: path.join(folder, 'agent.log'),
  });
  const shutDown = async (): Promise<void> => {
    await agent.kill();
    await sayShutdown({ stateDir, kernel });
    await kernel.reboot();
  };
  return {
    name,
    kernel,
    agent,
    stateDir,
    holds: async () => (await kernel.observe()).map(({ module }) => module),
    shutDown,
    async reboot() {
      await shutDown();
      agent.start();
    },
  };
}
