// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import type { AllowedTypeChanges } from '@lockstep/domain/type-layouts';
import {
  buildLivepatch,
  defaultCacheDirectory,
  registerKernelBuild,
  type BuiltLivepatch,
  type KernelBuild,
  type NamedDiff,
} from '@lockstep/io/kernel-builder';
import {
  startTestMachine,
  type ExecResult,
  type TestMachine,
  type TestMachineOptions,
} from '@lockstep/testing/qemu-machine';
import { diffOfEdits, type Edit } from './edited-sources';

/** Modules of tests are told apart by their names. */
const patchId = parsePatchId('ab'.repeat(32));

/** How a patch is built when it is not for itself alone. */
export interface BuildContext {
  readonly onto?: readonly NamedDiff[];
  readonly replace?: boolean;
  readonly allowedTypeChanges?: AllowedTypeChanges;
}

/** Shell text that waits until the livepatch is switched, or has been given up. */
const switched = (name: string): string =>
  `while [ "$(cat /sys/kernel/livepatch/${name}/transition)" = 1 ]; do sleep 0.1; done`;

const disabled = (name: string): string =>
  `echo 0 >/sys/kernel/livepatch/${name}/enabled; while [ -e /sys/kernel/livepatch/${name} ]; do sleep 0.1; done`;

/** A machine that has booted the tests' kernel, with livepatches of that kernel: built, loaded, taken out again. */
export class PatchableMachine implements AsyncDisposable {
  private constructor(
    private readonly booted: TestMachine,
    /** What it runs, as the builder knows it. */
    readonly kernel: KernelBuild,
  ) {}

  /** How often each was built. */
  private readonly builds = new Map<string, number>();

  static async start(options: TestMachineOptions): Promise<PatchableMachine> {
    const booted = await startTestMachine(options);
    try {
      const tree = booted.kernel.treeDir;
      return new PatchableMachine(booted, await registerKernelBuild({ path: tree, cacheDir: defaultCacheDirectory() }));
    } catch (error) {
      await booted[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Builds a livepatch of the edits, or of the diffs, and puts it where the guest reads it. */
  async build(
    name: string,
    change: readonly Edit[] | readonly NamedDiff[],
    { onto = [], replace = false, allowedTypeChanges }: BuildContext = {},
  ): Promise<BuiltLivepatch> {
    // Bytes as they are in the tree: some sources hold more than ASCII.
    const diff = isEdits(change) ? Buffer.from(await diffOfEdits(this.kernel.treeDir, change), 'latin1') : change;
    const moduleName = parseModuleName(name);
    const built = await buildLivepatch({
      kernel: this.kernel,
      ...{ diff, onto, moduleName, patchId, replace, allowedTypeChanges },
    });
    this.builds.set(name, (this.builds.get(name) ?? 0) + 1);
    await writeFile(this.fileOf(name), built.bytes);
    return built;
  }

  /** Goes with the machine; the guest reads it under the same path. */
  get folder(): string {
    return this.booted.folder;
  }

  /** Runs shell text in the guest; returns what it printed. */
  run(command: string): Promise<string> {
    return this.booted.machine.run(command);
  }

  /** The same, whatever its exit code. */
  exec(command: string, timeoutMs: number): Promise<ExecResult> {
    return this.booted.machine.exec(command, timeoutMs);
  }

  /** Empties the kernel's log, loads the module, and waits until it is switched; returns what the log has then. */
  load(name: string, parameters = ''): Promise<string> {
    return this.run(`dmesg -C && insmod '${this.fileOf(name)}' ${parameters} && { ${switched(name)}; dmesg; }`);
  }

  /** Switches the livepatch off and waits until it is; its module stays. */
  disable(name: string): Promise<string> {
    return this.run(disabled(name));
  }

  /** Disables it and takes its module out; returns what the kernel complained of since the last load. */
  unload(name: string): Promise<string> {
    return this.run(`${disabled(name)}; rmmod ${name} && { dmesg | grep -E 'BUG|WARNING|Oops' || :; }`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.booted[Symbol.asyncDispose]();
  }

  /** The last one of that name: of a file that is written again the guest keeps what it has read. */
  private fileOf(name: string): string {
    const build = this.builds.get(name) ?? 1;
    return path.join(this.booted.folder, build === 1 ? `${name}.ko` : `${name}.${build}.ko`);
  }
}

const isEdits = (change: readonly Edit[] | readonly NamedDiff[]): change is readonly Edit[] =>
  change.every((one) => Array.isArray(one));
