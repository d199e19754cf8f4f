// SPDX-License-Identifier: GPL-2.0-only
import assert from 'node:assert/strict';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import {
  buildTestKernel,
  hostAddressInGuest,
  startTestMachine,
  type KernelFlavour,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from './dev-fleet';
import { eventually } from './eventually';
import { bundle } from './fleet-kernel';
import { runLockstep, type CommandResult } from './lockstep-command';

/** On the disk that survives the machine's power. */
const stateDir = '/var/lib/lockstep/agent';
const agentCommand = `'${process.execPath}' '${bundle('node-agent')}'`;

/** The machine is emulated, and may get a tenth of a processor on a busy host. */
const patience = { withinMs: 300_000, everyMs: 500 };

/** What an operator reads of a node, as far as every test wants it. */
export interface ShownNode {
  readonly report: { readonly status: string; readonly position: number; readonly target: number } | null;
}

/** What the node's machine boots; the fleet's patches are built for it. */
export interface NodeKernel {
  /** `plain` if undefined. */
  readonly flavour?: KernelFlavour;
  readonly kernelArguments?: readonly string[];
}

/** A fleet whose one node is a real kernel in a machine, with the agent that is shipped, and an operator's commands. */
export class MachineNode implements AsyncDisposable {
  private constructor(
    readonly name: NodeName,
    readonly fleet: DevFleet,
    private readonly test: TestMachine,
  ) {}

  static async start(
    name: NodeName,
    { flavour = 'plain', kernelArguments = [] }: NodeKernel = {},
  ): Promise<MachineNode> {
    const usual = flavour === 'plain' ? {} : { treeDir: (await buildTestKernel(flavour)).treeDir };
    const fleet = await startDevFleet({ nodes: 0, queue: 'postgres', ...usual });
    try {
      return new MachineNode(name, fleet, await bootNode(name, fleet, { flavour, kernelArguments }));
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  get machine(): TestMachine['machine'] {
    return this.test.machine;
  }

  /** The kernel's tree, as its patches are made for it. */
  get treeDir(): string {
    return this.test.kernel.treeDir;
  }

  get folder(): string {
    return this.test.folder;
  }

  lockstep(...args: string[]): Promise<CommandResult> {
    return runLockstep(this.fleet.server.stateDir, args);
  }

  /** The document of a command that went well. */
  async ask(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.lockstep(...args, '--json');
    // What is said on standard output tells why.
    assert.deepEqual([args.join(' '), code, stderr, code === 0 ? '' : stdout], [args.join(' '), 0, '', '']);
    return JSON.parse(stdout) as unknown;
  }

  /** To the head of the load order; resolves when the rollout has ended, however it did. */
  rollOut(): Promise<CommandResult> {
    return this.lockstep('rollout', 'start', '--cluster', this.fleet.cluster, '--wait', '--json');
  }

  /** What the control plane has of it, once that satisfies. */
  async shown<T extends ShownNode>(what: string, satisfies: (node: T) => boolean): Promise<T> {
    return eventually(
      what,
      async () => {
        const node = (await this.ask('node', 'show', this.name)) as T;
        return satisfies(node) ? node : undefined;
      },
      patience,
    );
  }

  /** What whatever brings the machine down runs last. */
  async sayShutdown(): Promise<void> {
    await this.machine.run(`${agentCommand} shutdown --state-dir ${stateDir}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
    await this.fleet.stop();
  }
}

const portOf = (address: string): number => Number(address.split(':')[1]);

async function bootNode(
  node: NodeName,
  { operator, cluster, server }: DevFleet,
  kernel: NodeKernel,
): Promise<TestMachine> {
  const { joinToken } = await operator.fleet.createJoinToken({ cluster, node, ttlSeconds: 0, allow: '', count: 0 });
  const [port, agentPort] = [portOf(server.address), portOf(server.agentAddress)];
  const service = [
    `export LOCKSTEP_AGENT_SERVER=${hostAddressInGuest}:${port} LOCKSTEP_AGENT_JOIN_TOKEN='${joinToken}'`,
    `export LOCKSTEP_AGENT_STATE_DIR=${stateDir}`,
    `exec ${agentCommand}`,
  ];
  return startTestMachine({ name: node, ...kernel, service: `${service.join('\n')}\n`, hostPorts: [port, agentPort] });
}
