// SPDX-License-Identifier: GPL-2.0-only
import { fork } from 'node:child_process';
import {
  comparePatch,
  linkLivepatch,
  openKernelBuild,
  type ComparedObject,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { parseKernelBuildId, type ModuleName, type PatchId } from '@lockstep/domain/livepatch-model';

interface Share {
  readonly cacheDir: string;
  readonly id: string;
  readonly diff: string;
  readonly objectPaths: readonly string[];
}

/** Whoever waits for an answer sees the process end. */
function endBy(error: unknown): void {
  console.error(error);
  process.exit(1);
}

/** The other end of `onWorkers`: this program, started again. Says that it is ready, then answers each share. */
export function serveShares(cacheDir: string, id: string): void {
  const opened = openKernelBuild(cacheDir, parseKernelBuildId(id));
  process.on('message', ({ diff, objectPaths }: Share) => {
    opened
      .then(async (kernel) => comparePatch({ kernel, diff, objectPaths, compilers: 1 }))
      .then(({ objects }) => process.send?.(objects))
      .catch(endBy);
  });
  opened.then(() => process.send?.('ready')).catch(endBy);
}

/**
 * One patch shared by worker processes of one compiler each, linked here.
 * @returns seconds from the patch to the module
 */
export async function onWorkers(
  count: number,
  {
    kernel,
    cacheDir,
    diff,
    objectPaths,
    named,
  }: {
    kernel: KernelBuild;
    cacheDir: string;
    diff: string;
    objectPaths: readonly string[];
    named: { moduleName: ModuleName; patchId: PatchId };
  },
): Promise<number> {
  const args = ['--serve', cacheDir, kernel.id];
  const workers = Array.from({ length: count }, () => fork(__filename, args, { serialization: 'advanced' }));
  const answer = async (worker: (typeof workers)[number]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('exit', (code) => {
        reject(new Error(`a worker ended with ${code ?? 'a signal'}`));
      });
    });
  try {
    await Promise.all(workers.map(answer));
    const work = async (shareOf: (index: number) => readonly string[]) =>
      Promise.all(
        workers.map(async (worker, index) => {
          worker.send({ cacheDir, id: kernel.id, diff, objectPaths: shareOf(index) } satisfies Share);
          return answer(worker) as Promise<ComparedObject[]>;
        }),
      );
    // As workers that have built before: each with a staged tree.
    await work((index) => objectPaths.slice(index, index + 1));
    const started = performance.now();
    const shares = await work((index) => objectPaths.filter((_, at) => at % count === index));
    const compared = shares.flat().sort((a, b) => (a.diff.objectPath < b.diff.objectPath ? -1 : 1));
    await linkLivepatch({ kernel, sources: { diff }, compared, replace: false, ...named });
    return (performance.now() - started) / 1000;
  } finally {
    for (const worker of workers) worker.kill();
  }
}
