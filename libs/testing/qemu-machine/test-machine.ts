// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { buildExtendedKernel, type AddedSources } from './extended-kernel';
import { buildLockstepKernel, type KernelFlavour } from './lockstep-kernel';
import { QemuMachine, type MachineOptions } from './qemu-machine';

export const repositoryRoot = path.resolve(__dirname, '../../..');

/** Long enough to build the kernel first, where no cache has it. */
export const kernelTestSetupMs = 45 * 60_000;

export interface TestMachineOptions extends Pick<MachineOptions, 'service' | 'hostPorts' | 'kernelArguments'> {
  /** Host name in the guest, and a part of the folder's name. */
  readonly name: string;
  /** `plain` unless it says otherwise. */
  readonly flavour?: KernelFlavour;
  /** To be built into its kernel. */
  readonly added?: AddedSources;
}

/** A machine that has booted, for one test file. */
export interface TestMachine extends AsyncDisposable {
  readonly machine: QemuMachine;
  /** What it runs. */
  readonly kernel: BuiltKernel;
  /** Goes with the machine; the guest reads it under the same path. */
  readonly folder: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The kernel that tests are for: of Debian's source, or of that in LOCKSTEP_KERNEL_SRC. */
export function buildTestKernel(flavour: KernelFlavour = 'plain', added?: AddedSources): Promise<BuiltKernel> {
  const options = { root: repositoryRoot, flavour, source: process.env['LOCKSTEP_KERNEL_SRC'] };
  return added === undefined ? buildLockstepKernel(options) : buildExtendedKernel(added, options);
}

/** Boots the tests' kernel; resolves when the guest's shell answers. */
export async function startTestMachine({ name, flavour, added, ...options }: TestMachineOptions): Promise<TestMachine> {
  const kernel = await buildTestKernel(flavour, added);
  const folder = await mkdtemp(path.join(tmpdir(), `lockstep-${name}-`));
  const machine = await QemuMachine.create({
    name,
    kernelImage: kernel.imageFile,
    initFile: path.join(repositoryRoot, 'kernel-livepatch/qemu/init'),
    dir: path.join(folder, 'machine'),
    ...options,
  });
  const end = async (): Promise<void> => {
    await machine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await machine.start();
    await machine.waitReady();
  } catch (error) {
    await end();
    throw error;
  }
  return { machine, kernel, folder, [Symbol.asyncDispose]: end };
}
