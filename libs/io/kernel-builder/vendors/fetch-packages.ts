// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf, type Distribution } from '@lockstep/domain/vendor-kernel';
import { buildError } from '../processes/failure';
import { networkEnvironment, runCommand } from '../processes/run-command';
import { runStage, type OnProgress } from '../processes/stage';

export interface FetchPackagesOptions {
  readonly distribution: Distribution;
  readonly release: string;
  /** Made where it is not there; holds the unpacked packages afterwards. */
  readonly dir: string;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

type PackagesOfKernel = Pick<FetchPackagesOptions, 'distribution' | 'release' | 'signal'>;

/** Runs one of the machine's own programs; where it fails, what to type is said. */
function packageTools({ distribution, release, signal }: PackagesOfKernel) {
  const { packages, unpackaged, commands } = layoutOf(distribution, release);
  const unavailable = (reason: string): Error =>
    buildError({
      kind: 'packages-unavailable',
      distribution,
      release,
      packages: packages.map(({ name }) => name),
      commands: [...commands],
      reason,
    });
  const run = async (program: string, args: string[], cwd: string): Promise<string> => {
    const result = await runCommand(program, args, { cwd, env: networkEnvironment(), signal }).catch(
      (cause: unknown) => {
        if (signal?.aborted === true) throw cause;
        return { status: 127, output: `${program} is not there` };
      },
    );
    if (result.status !== 0) throw unavailable(result.output.trim().split('\n').slice(-3).join(' '));
    return result.output;
  };
  return { packages, unpackaged, unavailable, run };
}

/**
 * What apt offers of a kernel, as `name=version`; packages that several kernels share in the version of the one they must fit.
 * @throws LockstepError `packages-unavailable` with what to type
 */
export async function offeredPackages(kernel: PackagesOfKernel): Promise<string[]> {
  const { packages, unpackaged, unavailable, run } = packageTools(kernel);
  if (kernel.distribution === 'rhel') throw unavailable('apt has no such packages');
  if (unpackaged !== undefined) throw unavailable(unpackaged);
  const offered: string[] = [];
  for (const { name, fits } of packages) {
    const shown = await run('apt-cache', ['show', '--no-all-versions', fits ?? name], '/');
    const version = /^Version: (.*)$/m.exec(shown)?.[1] ?? '';
    offered.push(`${name}=${version}`);
  }
  return offered;
}

/**
 * Fetches a kernel's packages through the machine's own apt and unpacks them; nothing is installed.
 * @param offered as `offeredPackages` names them
 * @returns the folder that they are unpacked in
 * @throws LockstepError `packages-unavailable` with what to type
 */
export async function fetchPackages(offered: readonly string[], options: FetchPackagesOptions): Promise<string> {
  const { dir, onProgress } = options;
  const { run } = packageTools(options);
  const noted = join(dir, '.packages');
  const wanted = offered.join('\n');
  // Left by a run that failed later, perhaps in another version.
  if ((await readFile(noted, 'utf8').catch(() => undefined)) !== wanted)
    await rm(dir, { recursive: true, force: true });
  await runStage(dir, async () => {
    const downloads = join(dir, 'packages');
    await mkdir(downloads, { recursive: true });
    onProgress?.({ stage: 'fetch the packages', done: 0, total: offered.length });
    await run('apt-get', ['download', '--quiet', ...offered], downloads);
    const files = (await readdir(downloads)).sort();
    for (const [index, file] of files.entries()) {
      onProgress?.({ stage: 'unpack the packages', done: index, total: files.length });
      await run('dpkg-deb', ['--extract', join(downloads, file), dir], dir);
    }
    await rm(downloads, { recursive: true });
    await writeFile(noted, wanted);
  }).catch(async (error: unknown) => {
    // Half of them is of no use: the next run begins again.
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  return dir;
}
