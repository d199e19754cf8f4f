// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '@lockstep/io/kernel-builder';

/** kpatch-build on a tree of its own: it changes the tree that it builds in. */
export class Peer {
  private constructor(
    private readonly script: string,
    private readonly dir: string,
    private readonly vmlinux: string,
    /** What building its own objects took; null where an earlier run did that. */
    readonly coldSeconds: number | null,
  ) {}

  /**
   * Copies the kernel build for the peer, once, and lets it build its own objects there (minutes); later runs are warm.
   * @param dir kept between runs
   */
  static async prepare(script: string, treeDir: string, dir: string, diff: string): Promise<Peer> {
    const opened = (coldSeconds: number | null) =>
      new Peer(path.resolve(script), dir, path.join(treeDir, 'vmlinux'), coldSeconds);
    const marker = path.join(dir, '.complete');
    if (existsSync(marker)) return opened(null);
    await mkdir(dir, { recursive: true });
    await runCommand('rm', ['-rf', path.join(dir, 'linux')]);
    const { status, output } = await runCommand('cp', ['-a', '--reflink=auto', treeDir, path.join(dir, 'linux')]);
    if (status !== 0) throw new Error(output);
    const coldSeconds = await opened(null).build(diff);
    await writeFile(marker, '');
    return opened(coldSeconds);
  }

  /** @returns seconds */
  async build(diff: string): Promise<number> {
    const patch = path.join(this.dir, 'bench.patch');
    await writeFile(patch, diff);
    const tree = path.join(this.dir, 'linux');
    const where = ['-s', tree, '-c', path.join(tree, '.config'), '-v', this.vmlinux, '-o', this.dir];
    const started = performance.now();
    const { status, output } = await runCommand(this.script, [...where, '--non-replace', '-n', 'bench', patch], {
      env: { ...process.env, CACHEDIR: path.join(this.dir, 'cache') },
    });
    if (status !== 0) throw new Error(`${this.script} failed:\n${output.slice(-2_000)}`);
    return (performance.now() - started) / 1000;
  }
}
