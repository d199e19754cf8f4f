// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { KernelBuildId, ModuleName, NodeName } from '@lockstep/domain/livepatch-model';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { sayShutdown } from '@lockstep/services/node-agent';
import { bundle } from './fleet-kernel';
import { fleetProcess, processesAsOne, type FleetProcess } from './fleet-process';

/** One machine of a fleet: a kernel that is a folder, and a real agent process. */
export interface FleetNode {
  readonly name: NodeName;
  readonly kernel: DirectoryKernel;
  readonly agent: FleetProcess;
  /** Where what is loaded is recorded. */
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
  /** The half of its agent that loads is a process of its own, which is told nothing of any control plane. */
  readonly hasLoader?: boolean;
}

/** The agent's processes, in the order of their start. */
function agentProcesses(spec: FleetNodeSpec, kernelFolder: string, loaderDir: string): FleetProcess[] {
  const { name, folder, server, joinToken, env, hasLoader = false } = spec;
  const kernel = { LOCKSTEP_FLEET_KERNEL: kernelFolder };
  const socket = path.join(folder, 'loader.sock');
  const control = {
    LOCKSTEP_AGENT_SERVER: server,
    LOCKSTEP_AGENT_JOIN_TOKEN: joinToken,
    LOCKSTEP_AGENT_STATE_DIR: path.join(folder, 'state'),
    ...env,
  };
  const common = { command: process.execPath, logFile: path.join(folder, 'agent.log') };
  if (!hasLoader)
    return [fleetProcess({ ...common, name, args: [bundle('fleet-agent')], env: { ...control, ...kernel } })];
  // The agent is handed a folder without a kernel: whatever it would do to one fails.
  const nowhere = { LOCKSTEP_FLEET_KERNEL: path.join(folder, 'no-kernel'), LOCKSTEP_AGENT_LOADER: socket };
  const loads = { ...kernel, LOCKSTEP_LOADER_STATE_DIR: loaderDir, LOCKSTEP_LOADER_SOCKET: socket };
  return [
    fleetProcess({ ...common, name: `${name}-loader`, args: [bundle('fleet-agent'), 'loader'], env: loads }),
    fleetProcess({ ...common, name, args: [bundle('fleet-agent')], env: { ...control, ...nowhere } }),
  ];
}

/** A node whose agent is not started yet. */
export async function createFleetNode(spec: FleetNodeSpec): Promise<FleetNode> {
  const { name, folder, kernelBuild, release, transitionMs, hasLoader = false } = spec;
  const kernelFolder = path.join(folder, 'kernel');
  const stateDir = path.join(folder, hasLoader ? 'loader' : 'state');
  const kernel = await DirectoryKernel.create(kernelFolder, { kernelBuild, release }, { transitionMs });
  const agent = processesAsOne(name, agentProcesses(spec, kernelFolder, stateDir));
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
