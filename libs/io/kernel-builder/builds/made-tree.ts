// SPDX-License-Identifier: GPL-2.0-only
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sourcePatchError, type FileContents } from '@lockstep/domain/source-patch';
import { buildError, firstErrorLines } from '../processes/failure';
import type { FileLock } from '@lockstep/platform/runtime';
import type { KernelBuild } from './registered-kernel';
import { runCommand, type CommandResult } from '../processes/run-command';
import { takeSlot } from '../processes/slots';
import type { OnProgress } from '../processes/stage';
import { changeFiles } from '../sources/change-files';
import { blankSecrets, buildSecrets } from './build-secrets';
import { copyBuild } from './copy-build';
import { runMake } from '../processes/run-make';
import { refuseWaysOut } from './ways-out';

/**
 * A whole copy of a registered build, objects and saved commands too, in which make goes on from where that build
 * ended. It is used for one patch and thrown away. What a diff makes make run may write into any of its files: none is a
 * link into the registered tree.
 */
export class MadeTree implements AsyncDisposable {
  private changed: FileContents = new Map();

  private constructor(
    readonly dir: string,
    private readonly kernel: KernelBuild,
    private readonly lock: FileLock,
  ) {}

  static async copy(kernel: KernelBuild, signal?: AbortSignal): Promise<MadeTree> {
    const poolDir = join(kernel.dir, 'made');
    const { lock, slot } = await takeSlot(poolDir, signal);
    const tree = new MadeTree(join(poolDir, String(slot)), kernel, lock);
    try {
      await rm(tree.dir, { recursive: true, force: true });
      await mkdir(tree.dir, { recursive: true });
      await copyBuild(kernel.treeDir, tree.dir, { signal, sources: 'copied' });
      await blankSecrets(tree.dir, await buildSecrets(kernel.treeDir));
      return tree;
    } catch (error) {
      await tree[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Replaces, creates or (null) deletes files; content is latin1. */
  async change(files: FileContents): Promise<void> {
    this.changed = files;
    await changeFiles(this.dir, files);
    // make would take an object without a source for one that is up to date.
    const gone = this.kernel.index.objects.filter(({ source }) => files.get(source) === null);
    for (const { path } of gone) await rm(join(this.dir, path), { force: true });
  }

  /**
   * Makes every object of vmlinux and the modules anew that make finds out of date; links nothing.
   * @throws LockstepError `make-failed`, or `unsupported-change` where the patch changes the config or the release
   */
  async make({
    onProgress,
    signal,
  }: {
    onProgress?: OnProgress | undefined;
    signal?: AbortSignal | undefined;
  }): Promise<void> {
    const env = await this.buildIdentity();
    const run: Make = async (args, onLine) => {
      const result = await runMake(this.dir, [...this.kernel.tools.makeArguments, ...args], { env, signal, onLine });
      await refuseWaysOut(this.dir, this.kernel.treeDir);
      return result;
    };
    await this.refuseOtherConfig(run);
    const makefile = await readFile(join(this.dir, 'Makefile'), 'latin1');
    // The target that descends into all directories: named so up to 5.x, `.` since.
    const target = /^descend:/m.test(makefile) ? 'descend' : '.';
    let done = 0;
    const count = (line: string): void => {
      if (!/^ {2}(?:CC|AS) /.test(line)) return;
      done += 1;
      onProgress?.({ stage: 'make', done, total: done });
    };
    const made = await run([`-j${availableParallelism()}`, 'KBUILD_MODULES=1', target], count);
    if (made.status !== 0) throw makeFailed(`make ${target}`, made.output);
    await this.refuseOtherRelease();
  }

  /** Who built the kernel, where and when is in its sources: say the same again. */
  private async buildIdentity(): Promise<Record<string, string>> {
    const read = async (path: string): Promise<string> => readFile(join(this.dir, path), 'utf8').catch(() => '');
    const text = (await read('include/generated/compile.h')) + (await read('include/generated/utsversion.h'));
    const value = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
    return {
      KBUILD_BUILD_USER: value(/LINUX_COMPILE_BY\s+"(.*)"/),
      KBUILD_BUILD_HOST: value(/LINUX_COMPILE_HOST\s+"(.*)"/),
      KBUILD_BUILD_VERSION: value(/UTS_VERSION\s+"#(\S+)/),
      KBUILD_BUILD_TIMESTAMP: value(/UTS_VERSION\s+"#\S+ (?:(?:SMP|PREEMPT\w*) )*(.*)"/),
    };
  }

  /**
   * Options tell of the tools too (pahole, the linker), and here may be others than where the kernel was built: what of the
   * configuration changes without the diff as well is not the diff's. All of it stays as the kernel was built.
   */
  private async refuseOtherConfig(run: Make): Promise<void> {
    const before = await settingsOf(join(this.kernel.treeDir, '.config'));
    const withDiff = differences(before, await this.settingsHere(run));
    // With what is new and off, so that make need not ask about it.
    if (withDiff.length === 0) {
      await rename(join(this.dir, askedConfig), join(this.dir, '.config'));
      return;
    }
    const originals = Array.from(this.changed.keys(), async (path) => {
      return [path, await readFile(join(this.kernel.treeDir, path), 'latin1').catch(() => null)] as const;
    });
    await changeFiles(this.dir, new Map(await Promise.all(originals)));
    const without = new Set(differences(before, await this.settingsHere(run)));
    await changeFiles(this.dir, this.changed);
    const changed = withDiff.filter((line) => !without.has(line));
    if (changed.length > 0) {
      const reason = `the diff changes the kernel's configuration (${changed.slice(0, 5).join(', ')}): it needs a new kernel build`;
      throw sourcePatchError({ kind: 'unsupported-change', file: '.config', reason });
    }
    // Newer than any Kconfig file that the diff changes: else make would ask the tools again.
    const asked = ['auto.conf.cmd', 'auto.conf'].map((name) => `include/config/${name}`);
    await runCommand('touch', ['-c', ...asked, 'include/generated/autoconf.h'], { cwd: this.dir });
  }

  /** What the tree and the tools at hand make of the kernel's configuration, which stays as it is. */
  private async settingsHere(run: Make): Promise<Set<string>> {
    await cp(join(this.dir, '.config'), join(this.dir, askedConfig), { preserveTimestamps: true });
    const { status, output } = await run([`KCONFIG_CONFIG=${askedConfig}`, 'olddefconfig']);
    if (status !== 0) throw makeFailed('make olddefconfig', output);
    return settingsOf(join(this.dir, askedConfig));
  }

  private async refuseOtherRelease(): Promise<void> {
    const release = (await readFile(join(this.dir, 'include/config/kernel.release'), 'utf8')).trim();
    if (release === this.kernel.release) return;
    const reason = `with the diff the kernel is ${release}, not ${this.kernel.release}: it needs a new kernel build`;
    throw sourcePatchError({ kind: 'unsupported-change', file: 'include/config/kernel.release', reason });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await rm(this.dir, { recursive: true, force: true });
    } finally {
      await this.lock[Symbol.asyncDispose]();
    }
  }
}

/** What the tools here would make of the configuration. */
const askedConfig = '.config.lockstep';

type Make = (args: string[], onLine?: (line: string) => void) => Promise<CommandResult>;

const settingsOf = async (file: string): Promise<Set<string>> =>
  new Set((await readFile(file, 'utf8')).match(/^CONFIG_\w+=.*$/gm));

/** Lines that are in one of the two alone. */
const differences = (before: ReadonlySet<string>, after: ReadonlySet<string>): string[] => [
  ...[...after].filter((line) => !before.has(line)),
  ...[...before].filter((line) => !after.has(line)),
];

function makeFailed(step: string, output: string): Error {
  return buildError({
    kind: 'make-failed',
    step: `${step}, with the diff applied,`,
    lastLines: firstErrorLines(output),
  });
}
