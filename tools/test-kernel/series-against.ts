// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  findKernelSource,
  kernelVersionOf,
  prepareKernelTree,
  tryKernelSeries,
  type KernelSource,
} from '@lockstep/io/kernel-builder';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';

/** What came of the series on one tree. */
export interface TriedTree {
  /** `6.1.176 (linux-source-6.1.tar.xz)` */
  readonly name: string;
  /** Patch, file and hunk that do not fit; undefined where all do. */
  readonly complaint: string | undefined;
}

/** Tries the series on other trees than the one that is built: unpacked folders or tarballs, each with that of its version. */
export async function trySeriesAgainst(root: string, trees: readonly string[]): Promise<TriedTree[]> {
  const tried: TriedTree[] = [];
  for (const tree of trees) tried.push(await tryTree(root, tree));
  return tried;
}

async function tryTree(root: string, tree: string): Promise<TriedTree> {
  const complain = (error: unknown): TriedTree => ({ name: tree, complaint: (error as Error).message });
  const source = await findKernelSource(tree).catch(complain);
  if ('complaint' in source) return source;
  using scratch = ScratchDirectory.create('series');
  try {
    const dir = await unpacked(source, path.join(scratch.path, 'tree'));
    const series = path.join(root, 'kernel-livepatch');
    const seriesDir = path.join(series, `linux-${await kernelVersionOf(dir)}`);
    const name = `${await releaseOf(dir)} (${path.basename(tree)})`;
    const complaint = await tryKernelSeries(dir, { seriesDir, filesDir: path.join(series, 'files') });
    return { name, complaint };
  } catch (error) {
    return complain(error);
  }
}

/** A folder is only read. */
async function unpacked(source: KernelSource, targetDir: string): Promise<string> {
  if (source.kind === 'tree') return source.dir;
  await prepareKernelTree({ source, targetDir });
  return targetDir;
}

/** `6.1.176` of its Makefile. */
async function releaseOf(dir: string): Promise<string> {
  const makefile = await readFile(path.join(dir, 'Makefile'), 'utf8');
  const part = (name: string): string => new RegExp(`^${name} = (.*)$`, 'm').exec(makefile)?.[1] ?? '';
  return ['VERSION', 'PATCHLEVEL', 'SUBLEVEL'].map(part).join('.');
}
