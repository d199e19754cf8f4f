// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { mapAtOnce } from '@lockstep/io/kernel-builder';
import {
  hostAddressInGuest,
  QemuMachine,
  type MachineOptions,
  type MachineSystem,
} from '@lockstep/testing/qemu-machine';
import { z } from 'zod';
import type { MachineEvidence } from './proof';
import type { Cleanup } from './processes';
import type { ControlPlane } from './services';

export interface DemoMachine {
  readonly node: string;
  readonly machine: QemuMachine;
}

export interface MachinePlan {
  readonly node: string;
  readonly joinToken: string;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Says that the machine is being shut down in order, as its init would: the next boot takes its end for no crash. */
export async function sayShutdown(root: string, { machine }: DemoMachine): Promise<void> {
  const agent = `${quote(process.execPath)} ${quote(path.join(root, 'dist/node-agent.js'))}`;
  await machine.run(`${agent} shutdown --state-dir ${stateDir}`);
}

const stateDir = '/var/lib/lockstep/agent';

/** What init runs: the real agent, its state on the disk that survives a power cut. */
function agentService(root: string, { operatorPort }: ControlPlane, { joinToken }: MachinePlan): string {
  return [
    `export LOCKSTEP_AGENT_SERVER=${hostAddressInGuest}:${operatorPort}`,
    `export LOCKSTEP_AGENT_JOIN_TOKEN=${quote(joinToken)}`,
    `export LOCKSTEP_AGENT_STATE_DIR=${stateDir}`,
    `exec ${quote(process.execPath)} ${quote(path.join(root, 'dist/node-agent.js'))}`,
    '',
  ].join('\n');
}

export interface MachineSetting {
  readonly root: string;
  readonly workDir: string;
  /** What it boots. */
  readonly system: MachineSystem & Pick<MachineOptions, 'kernelImage' | 'memoryMb'>;
  readonly controlPlane: ControlPlane;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
}

/** All at once; where one fails or the demo is ended, none is still being started when that is told. */
export async function startMachines(setting: MachineSetting, plans: readonly MachinePlan[]): Promise<DemoMachine[]> {
  return mapAtOnce(plans, plans.length, async (plan) => startMachine(setting, plan));
}

async function startMachine(setting: MachineSetting, plan: MachinePlan): Promise<DemoMachine> {
  const { root, workDir, system, controlPlane, cleanup, signal } = setting;
  const machine = await QemuMachine.create({
    ...system,
    name: plan.node,
    dir: path.join(workDir, plan.node),
    service: agentService(root, controlPlane, plan),
    hostPorts: [controlPlane.operatorPort, controlPlane.agentPort],
    // Three of them share the host's processors.
    processors: 1,
  });
  cleanup.add(() => machine[Symbol.asyncDispose]());
  signal.throwIfAborted();
  await machine.start();
  await Promise.race([machine.waitReady(), untilAborted(signal)]);
  return { node: plan.node, machine };
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** Modules in the kernel's livepatch directory, in load order: /proc/modules lists the newest first. */
const readLivepatches = [
  'for module in $(cut -d" " -f1 /proc/modules); do',
  '  dir=/sys/kernel/livepatch/$module',
  '  [ -d "$dir" ] && echo "$module $(cat "$dir/enabled") $(cat "$dir/transition")"',
  'done; true',
].join('\n');

/** How each of them was switched: what the kernel itself keeps with it. */
const readSwitches = [
  'cd /sys/kernel/livepatch',
  'for module in *; do',
  '  [ -d "$module/transition_stats" ] || continue',
  '  (cd "$module/transition_stats"; echo "$module" $(cat mode direction result window_ns max_window_ns))',
  'done; true',
].join('\n');

/** `patch mode direction result last-window longest-window`. */
const switchLine = z.tuple([z.string(), z.string(), z.string(), z.string(), z.coerce.number(), z.coerce.number()]);

const livepatchLine = z.tuple([z.string(), z.enum(['0', '1']), z.enum(['0', '1'])]);

/** Reads a machine through its own shell: nothing here comes from the agent but `position`. */
export async function gatherEvidence({ node, machine }: DemoMachine, position: number): Promise<MachineEvidence> {
  const read = async (file: string): Promise<string> => machine.run(`cat ${file}`);
  const listing = await machine.run(readLivepatches);
  const modules = listing
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => livepatchLine.parse(line.split(' ')));
  const switches = (await machine.run(readSwitches)).split('\n').filter((line) => line !== '');
  const settled = modules.filter(([, enabled, transition]) => enabled === '1' && transition === '0');
  return {
    node,
    position,
    livepatches: settled.map(([module]) => module).reverse(),
    switches: switches.map((line) => {
      const [module, mode, direction, result, windowNs] = switchLine.parse(line.trim().split(' '));
      return { module, mode, direction, result, windowNs };
    }),
    files: {
      a: await read('/proc/meminfo'),
      b: await read('/proc/cmdline'),
      c: await read('/proc/version'),
      d: await read('/proc/loadavg'),
    },
  };
}
