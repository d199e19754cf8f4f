// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findVendorKernel, prepareKernelTree, runCommand } from '@lockstep/io/kernel-builder';

export interface PeerAloneOptions {
  /** kpatch-build */
  readonly script: string;
  readonly release: string;
  /** Debian's packages, unpacked there. */
  readonly from: string;
  readonly diff: string;
  /** Made. */
  readonly dir: string;
  readonly limitMs: number;
}

export interface PeerResult {
  readonly seconds: number;
  /** Or it was ended at the limit. */
  readonly hasEnded: boolean;
}

/** kpatch-build with the same source, config and vmlinux: it compiles the whole kernel first. */
export async function peerAlone(options: PeerAloneOptions): Promise<PeerResult> {
  const { script, release, from, diff, dir, limitMs } = options;
  const vendor = await findVendorKernel('debian', release, from);
  const tree = path.join(dir, 'linux');
  await mkdir(dir, { recursive: true });
  const source = { kind: 'tarball', file: vendor.source } as const;
  await prepareKernelTree({ source, targetDir: tree });
  const patch = path.join(dir, 'bench.patch');
  await writeFile(patch, diff);
  const args = [
    '-s',
    tree,
    '-c',
    vendor.config,
    '-v',
    vendor.vmlinux,
    '-o',
    dir,
    '--non-replace',
    '-n',
    'bench',
    patch,
  ];
  const env = { ...process.env, CACHEDIR: path.join(dir, 'cache') };
  const signal = AbortSignal.timeout(limitMs);
  const started = performance.now();
  const secondsSince = (): number => (performance.now() - started) / 1000;
  try {
    const { status, output } = await runCommand(path.resolve(script), args, { env, signal });
    if (status !== 0) throw new Error(`${script} failed:\n${output.slice(-2_000)}`);
    return { seconds: secondsSince(), hasEnded: true };
  } catch (error) {
    if (signal.aborted) return { seconds: secondsSince(), hasEnded: false };
    throw error;
  }
}
