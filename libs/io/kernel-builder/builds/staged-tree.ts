// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, type FileLock } from '@lockstep/platform/runtime';
import { takeFurtherSlot, takeSlot, type Slot } from '../processes/slots';
import { buildSecrets } from './build-secrets';
import { generatedFiles } from './generated-files';
import { exists, replaceFile, runStage } from '../processes/stage';

/**
 * A copy of a registered tree's sources to compile changed files in, at the same relative paths, so that `__FILE__` and
 * every include resolve as they did. Files are hard links; a change is written beside and renamed over, which breaks the
 * link, so the registered tree is never written to. Leases are exclusive, between processes too.
 */
export class StagedTree implements AsyncDisposable {
  private constructor(
    /** Root of the copy. */
    readonly dir: string,
    private readonly originalDir: string,
    private readonly journal: string,
    private readonly lock: FileLock,
  ) {}

  /** Leases a free tree of the pool, or makes one (a second or two, kept for the next patch). */
  static async lease(registeredDir: string, treeDir: string, signal?: AbortSignal): Promise<StagedTree> {
    const poolDir = join(registeredDir, 'staged');
    return await StagedTree.in(poolDir, await takeSlot(poolDir, signal), treeDir, signal);
  }

  /** The same, for a build that has leased one already: does not wait for others, which may wait for it. */
  static async leaseFurther(registeredDir: string, treeDir: string, signal?: AbortSignal): Promise<StagedTree> {
    const poolDir = join(registeredDir, 'staged');
    return await StagedTree.in(poolDir, await takeFurtherSlot(poolDir), treeDir, signal);
  }

  private static async in(
    poolDir: string,
    { lock, slot }: Slot,
    treeDir: string,
    signal?: AbortSignal,
  ): Promise<StagedTree> {
    try {
      const slotDir = join(poolDir, String(slot));
      const boot = `${contents} ${await readFile('/proc/sys/kernel/random/boot_id', 'utf8')}`;
      const bootFile = join(slotDir, 'boot-id');
      // Staging does not wait for the disk, so what a machine that crashed had staged is not known: start afresh.
      if ((await readFile(bootFile, 'utf8').catch(() => '')) !== boot)
        await rm(join(slotDir, '.complete'), { force: true });
      await runStage(slotDir, async (dir) => {
        await linkTree(treeDir, join(dir, 'linux'), '', signal);
        for (const path of await buildSecrets(treeDir)) await rm(join(dir, 'linux', path), { force: true });
        await writeFile(bootFile, boot);
      });
      const staged = new StagedTree(join(slotDir, 'linux'), treeDir, join(slotDir, 'changed.json'), lock);
      // A worker that was killed half way left its journal behind.
      await staged.restore();
      await staged.add(generatedFiles(dirname(poolDir)));
      return staged;
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Replaces, creates or (null) deletes files; content is latin1. What is to change is written down first. */
  async change(files: ReadonlyMap<string, string | null>): Promise<void> {
    await replaceFile(this.journal, JSON.stringify([...files.keys()]));
    for (const [path, content] of files) {
      const file = join(this.dir, path);
      if (content === null) {
        await rm(file);
      } else {
        await mkdir(dirname(file), { recursive: true });
        await replaceFile(file, Buffer.from(content, 'latin1'));
      }
    }
  }

  /** Links files of the registered tree that have come since the copy was made. */
  async add(files: readonly string[]): Promise<void> {
    for (const path of files) {
      const file = join(this.dir, path);
      if (await exists(file)) continue;
      await mkdir(dirname(file), { recursive: true });
      await linkOrCopy(join(this.originalDir, path), file);
    }
  }

  /** Links everything that was changed back to the original. */
  async restore(): Promise<void> {
    const journal = await readFile(this.journal, 'utf8').catch(() => undefined);
    if (journal === undefined) return;
    for (const path of JSON.parse(journal) as string[]) {
      const file = join(this.dir, path);
      await rm(file, { force: true });
      const original = join(this.originalDir, path);
      if (await exists(original)) await linkOrCopy(original, file);
    }
    await rm(this.journal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.restore();
    } finally {
      await this.lock[Symbol.asyncDispose]();
    }
  }
}

/** Rises whenever other files are needed: trees that were staged before lack them. */
const contents = 4;

/** What no compile command reads: build products, and other architectures. */
function isNeeded(path: string, name: string): boolean {
  if (/\.(?:o|a|ko|cmd|mod|order|d|symvers|usyms)$/.test(name) || /^(?:\.tmp_vmlinux|System\.map)/.test(name))
    return false;
  // vmlinux.lds.S and vmlinux.lds.h are sources: linker scripts are made of them, and of what they include.
  if (name.startsWith('vmlinux') && !/\.[chS]$/.test(name)) return false;
  if (/^(?:\.git|\.vendor|Documentation|samples|LICENSES)$/.test(path)) return false;
  if (/^arch\/(?!x86(?:\/|$))[^/]+\//.test(`${path}/`)) return false;
  if (!/^tools\//.test(path)) return true;
  // Of the tools what is replayed calls objtool only; some sources include those of libbpf and the selftests.
  const isWay = ['tools/objtool/objtool', ...includedTools].some((needed) => `${needed}/`.startsWith(`${path}/`));
  return isWay || (includedTools.includes(dirname(path)) && /\.[ch]$/.test(name));
}

const includedTools = ['tools/lib/bpf', 'tools/testing/selftests'];

async function linkTree(from: string, to: string, below: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await mkdir(join(to, below), { recursive: true });
  const entries = await readdir(join(from, below), { withFileTypes: true });
  const needed = entries.filter((entry) => isNeeded(join(below, entry.name), entry.name));
  await Promise.all(
    needed
      .filter((entry) => !entry.isDirectory())
      .map(async (entry) => {
        const path = join(below, entry.name);
        if (entry.isSymbolicLink()) await symlink(await readlink(join(from, path)), join(to, path));
        else if (entry.isFile()) await linkOrCopy(join(from, path), join(to, path));
      }),
  );
  for (const entry of needed) if (entry.isDirectory()) await linkTree(from, to, join(below, entry.name), signal);
}

/** A hard link, or a copy where the file system has none. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: unknown) => {
    // Another file system, or one without links.
    if (!['EXDEV', 'EPERM', 'EMLINK'].includes(errorCode(error) ?? '')) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  });
}
