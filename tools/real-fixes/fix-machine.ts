// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { KernelBuild } from '@lockstep/io/kernel-builder';
import { QemuMachine, vendorModules, type MachineOptions } from '@lockstep/testing/qemu-machine';
import { exerciseFile, loadAndExercise, type Loaded, type LoadableModule } from './load-in-machine';

/** A livepatch module to try, and the kernel's modules that it patches. */
export interface TriedModule extends LoadableModule {
  readonly bytes: Uint8Array;
  /** `vmlinux` or modules' names. */
  readonly objects: readonly string[];
}

/** A machine in which one livepatch after another is loaded, used and unloaded. */
export class FixMachine implements AsyncDisposable {
  /** Of the kernel's own modules; gone with a reset. */
  private readonly loaded = new Set<string>();

  private constructor(
    private readonly kernel: KernelBuild,
    private readonly machine: QemuMachine,
    private readonly exercise: Uint8Array,
  ) {}

  static async start(kernel: KernelBuild, root: string, options: MachineOptions): Promise<FixMachine> {
    const exercise = await readFile(path.join(root, 'tools/real-fixes/exercise.pl'));
    const machine = await QemuMachine.create(options);
    await machine.start();
    return new FixMachine(kernel, machine, exercise);
  }

  /** All at once, which takes little longer than one; each by itself where that does not go well. */
  async try(modules: readonly TriedModule[]): Promise<Loaded[]> {
    const together = await this.tryTogether(modules);
    if (together.problem === undefined) return modules.map(() => together);
    // Whatever a bad module did to the kernel must not be held against the next one.
    await this.machine.reset();
    this.loaded.clear();
    if (modules.length === 1) return [together];
    const alone: Loaded[] = [];
    for (const module of modules) alone.push(...(await this.try([module])));
    return alone;
  }

  private async tryTogether(modules: readonly TriedModule[]): Promise<Loaded> {
    const names = modules.map(({ name }) => name);
    const objects = new Set(modules.flatMap((module) => module.objects));
    await this.machine.putFile(exerciseFile, this.exercise);
    await this.loadModules([...objects].filter((object) => object !== 'vmlinux'));
    for (const { name, bytes } of modules) await this.machine.putFile(`/run/${name}.ko`, bytes);
    const result = await loadAndExercise(this.machine, modules);
    if (result.problem === undefined) await this.machine.run(`rm ${names.map((name) => `/run/${name}.ko`).join(' ')}`);
    return result;
  }

  /** So that what is patched is there; a driver without its device stays away, and the livepatch waits for it. */
  private async loadModules(names: readonly string[]): Promise<void> {
    if (this.kernel.stock === undefined) return;
    for (const [file, bytes] of await vendorModules(this.kernel.treeDir, names)) {
      const name = file.replace(/^\d+-/, '');
      if (this.loaded.has(name)) continue;
      this.loaded.add(name);
      await this.machine.putFile(`/run/${name}`, bytes);
      await this.machine.exec(`insmod /run/${name}; rm /run/${name}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}
