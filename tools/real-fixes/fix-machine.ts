// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { KernelBuild } from '@lockstep/io/kernel-builder';
import { QemuMachine, vendorModules, type MachineOptions } from '@lockstep/testing/qemu-machine';
import { failedToLoad, loadAndExercise, type Loaded, type LoadableModule } from './load-in-machine';
import { exerciseFolder } from './exercise-files';
import { absences, absencesIn } from './absences';
import { partsToTry } from './parts-to-try';

/** A livepatch module to try, and the kernel's modules that it patches. */
export interface TriedModule extends LoadableModule {
  readonly bytes: Uint8Array;
  /** `vmlinux` or modules' names. */
  readonly objects: readonly string[];
}

/** What became of a module, and of the kernel's modules that it patches those that are not in use here, and why. */
export interface Tried extends Loaded {
  readonly absent: ReadonlyMap<string, string>;
}

/** A machine in which one livepatch after another is loaded, used and unloaded. */
export class FixMachine implements AsyncDisposable {
  /** Of the kernel's own modules; gone with a reset. */
  private readonly loaded = new Set<string>();

  private constructor(
    private readonly kernel: KernelBuild,
    private readonly machine: QemuMachine,
    /** exercise.pl: each machine has what this host has at its path. */
    private readonly exerciseFile: string,
    private readonly exerciseOptions: readonly string[],
  ) {}

  /** @param seconds in which ways of the exercise are begun; undefined: all are */
  static async start(
    kernel: KernelBuild,
    root: string,
    options: MachineOptions,
    seconds?: number,
  ): Promise<FixMachine> {
    const machine = await QemuMachine.create(options);
    await machine.start();
    const exerciseOptions = seconds === undefined ? [] : ['--seconds', String(seconds)];
    return new FixMachine(kernel, machine, path.join(exerciseFolder(root), 'exercise.pl'), exerciseOptions);
  }

  /** The exercise by itself: what the kernel says then it says of itself. */
  async tryNone(): Promise<Tried> {
    return this.tryTogether([]);
  }

  /** All at once, which takes little longer than one; where that does not go well, parts of them. */
  async try(modules: readonly TriedModule[]): Promise<Tried[]> {
    const together = await this.tryTogether(modules);
    if (together.problem === undefined) return modules.map(() => together);
    // Whatever a bad module did to the kernel must not be held against the next one.
    await this.machine.reset();
    this.loaded.clear();
    if (modules.length === 1) return [together];
    console.error(`      ${modules.length} together: ${together.problem.slice(-500)}\n      tried again in parts`);
    const tried = new Map<TriedModule, Tried>();
    for (const part of partsToTry(modules, together.problem)) {
      const results = await this.try(part);
      part.forEach((module, index) => tried.set(module, results[index] ?? together));
    }
    return modules.map((module) => tried.get(module) ?? together);
  }

  private async tryTogether(modules: readonly TriedModule[]): Promise<Tried> {
    // Of a machine that hangs, which is reset then and costs these modules a try, not the whole run.
    const failed = (error: unknown): Tried => ({ ...failedToLoad(String(error)), absent: new Map() });
    return this.loadTogether(modules).catch(failed);
  }

  private async loadTogether(modules: readonly TriedModule[]): Promise<Tried> {
    const names = modules.map(({ name }) => name);
    const objects = new Set(modules.flatMap((module) => module.objects));
    const patched = [...objects].filter((object) => object !== 'vmlinux');
    await this.loadModules(patched);
    const absent = absencesIn(await this.machine.run(absences(patched)));
    for (const { name, bytes } of modules) await this.machine.putFile(`/run/${name}.ko`, bytes);
    const result = await loadAndExercise(this.machine, modules, this.exerciseFile, this.exerciseOptions);
    if (result.problem === undefined)
      await this.machine.run(`rm -f ${names.map((name) => `/run/${name}.ko`).join(' ')}`);
    return { ...result, absent };
  }

  /** So that what is patched is there; a driver without its device stays away, and the livepatch waits for it. */
  private async loadModules(names: readonly string[]): Promise<void> {
    if (this.kernel.stock === undefined) return;
    const modules = new Map<string, Uint8Array>();
    for (const [file, bytes] of await vendorModules(this.kernel.treeDir, names)) {
      const name = file.replace(/^\d+-/, '');
      if (!this.loaded.has(name)) modules.set(name, bytes);
      this.loaded.add(name);
    }
    if (modules.size === 0) return;
    // With all that they need; the others come through the machine's shell, some of them in a hundred pieces.
    const brought = (await this.machine.run(loadLater([...modules.keys()]))).split('\n');
    for (const name of brought) modules.delete(name);
    for (const [name, bytes] of modules) {
      await this.machine.putFile(`/run/${name}`, bytes);
      await this.machine.exec(`insmod /run/${name} 2>/run/${name}.refused; rm /run/${name}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}

/** A shell script that loads those modules that the machine has on its RAM disk, and names them. */
const loadLater = (names: readonly string[]): string => `
  for name in ${names.join(' ')}; do
    for file in /lockstep/later/[0-9]*-$name; do
      [ -e "$file" ] || continue
      insmod "$file" 2>/run/$name.refused
      echo "$name"
    done
  done
`;
