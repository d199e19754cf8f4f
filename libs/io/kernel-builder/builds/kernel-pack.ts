// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import { buildSecrets } from './build-secrets';
import { cachePaths } from './cache-directory';
import { writeSharedCopy, type SharedCopy } from './cached-kernels';
import { moveSavedCommands } from './copy-build';
import { buildError } from '../processes/failure';
import { fullDiskLine } from '../processes/full-disk';
import { FileLock } from '@lockstep/platform/runtime';
import { readInfo, registeredFiles, type KernelBuildInfo } from './registered-kernel';
import { makeLimits } from '../processes/limits';
import { runCommand } from '../processes/run-command';
import { sandboxed } from '../processes/sandbox';
import { writable } from '../processes/sandbox-view';
import { exists, runStage, writeFileAtomically } from '../processes/stage';
import { feedCommand, readCommand, type StreamedResult } from '../processes/streamed-command';

/**
 * What no patch build reads: the linked kernel in all its forms. Everything else goes along: a diff may touch any source
 * and must apply, or be refused, on every worker alike; make needs objects and commands to go on from.
 */
const leftOut = [
  '.git',
  'vmlinux',
  'vmlinux.[ao]',
  '.tmp_vmlinux*',
  'System.map',
  'arch/x86/boot/bzImage',
  'arch/x86/boot/vmlinux.bin',
  'arch/x86/boot/compressed/vmlinux',
  'arch/x86/boot/compressed/vmlinux.*',
];

/** The same kernel build gives the same bytes, whoever packs it. Times are kept to the nanosecond, for make. */
const reproducible = [
  '--format=posix',
  '--sort=name',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
];

/** Nobody waits for it; builds go on meanwhile. */
const politely = ['-n', '10'];

/**
 * A registered kernel build as one compressed stream, for workers that lack it.
 * @throws LockstepError `kernel-pack-failed`, `kernel-build-changed`
 */
export async function* packKernelBuild(
  kernel: KernelBuildInfo & { readonly dir: string },
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const secrets = await buildSecrets(kernel.treeDir);
  const args = [
    ...['--create', '--file=-', '--use-compress-program=gzip -1 --no-name', ...reproducible],
    // Patterns are for whole paths; a star stays within a name.
    ...['--anchored', '--no-wildcards-match-slash', ...leftOut.map((pattern) => `--exclude=./${pattern}`)],
    ...['--no-wildcards', ...secrets.map((path) => `--exclude=./${path}`)],
    ...['-C', kernel.dir, ...registeredFiles, '-C', kernel.treeDir, '.'],
  ];
  const { status, errors } = yield* readCommand('nice', [...politely, 'tar', ...args], signal);
  await refuseChanged(kernel);
  // Status 1: a file changed meanwhile, if only its count of links, as when it is staged for a patch.
  const isWhole = status === 0 || (status === 1 && /^(?:.*: file changed as we read it(?:\n|$))+$/.test(errors));
  if (isWhole) return;
  throw buildError({ kind: 'kernel-pack-failed', id: kernel.id, dir: kernel.treeDir, reason: errors });
}

/** What a tree takes on its disk. */
export async function treeSize(treeDir: string, signal?: AbortSignal): Promise<number> {
  const { status, output } = await runCommand('du', ['--summarize', '--block-size=1', treeDir], { signal });
  if (status === 0) return Number.parseInt(output, 10);
  throw new Error(`du of ${treeDir} ended with status ${status}: ${output}`);
}

/** Sources that are newer are refused wherever they are to be compiled. */
async function refuseChanged({ treeDir, registeredAtMs }: KernelBuildInfo): Promise<void> {
  for (const file of ['vmlinux', '.config']) {
    // What was fetched itself has no vmlinux.
    const found = await stat(join(treeDir, file)).catch(() => undefined);
    if (found !== undefined && found.mtimeMs > registeredAtMs) {
      throw buildError({ kind: 'kernel-build-changed', dir: treeDir, file });
    }
  }
}

export interface UnpackOptions {
  readonly cacheDir: string;
  readonly id: KernelBuildId;
  /** What `packKernelBuild` gave, checked; asked for when it is needed: another process may have fetched it meanwhile. */
  readonly content: () => AsyncIterable<Uint8Array>;
  /** Kept with it, so that it can be evicted and fetched again. */
  readonly copy: SharedCopy;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a packed kernel build one that is registered here, its tree in the cache. One at a time for each kernel build;
 * until the end nobody sees anything of it, and what was cut off is thrown away.
 * @throws LockstepError `kernel-pack-broken`, `disk-full`, and what `content` throws
 */
export async function unpackKernelBuild({ cacheDir, id, content, copy, signal }: UnpackOptions): Promise<void> {
  const dir = cachePaths.registered(cacheDir, id);
  await FileLock.hold(
    `${dir}.lock`,
    async () => {
      try {
        await runStage(dir, async () => {
          await unpackInto(dir, id, content(), signal);
          await writeSharedCopy(cacheDir, id, copy);
        });
      } catch (error) {
        await rm(dir, { recursive: true, force: true });
        throw error;
      }
    },
    signal,
  );
}

async function unpackInto(
  dir: string,
  id: KernelBuildId,
  content: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const treeDir = join(dir, 'tree');
  await mkdir(treeDir);
  // To the last byte, even behind what looks like the archive's end: only there gzip says whether it was whole.
  const whole = ['--extract', '--gzip', '--ignore-zeros', '--file=-'];
  const args = [...whole, '-C', treeDir, '--no-same-owner', '--warning=no-timestamp'];
  using tar = await sandboxed('tar', args, { cwd: treeDir, mounts: [writable(treeDir)], limits: makeLimits() });
  const result = await feedCommand(tar, content, signal);
  if (result.status !== 0) throw unpackFailure(id, dir, result);
  for (const file of registeredFiles) {
    if (!(await exists(join(treeDir, file)))) throw broken(id, `it has no ${file}`);
    await rename(join(treeDir, file), join(dir, file));
  }
  const info = await readInfo(dir).catch((cause: unknown) => {
    throw broken(id, `its kernel-build.json cannot be read: ${String(cause)}`);
  });
  if (info.id !== id) throw broken(id, `it is kernel build ${info.id}`);
  await moveSavedCommands(info.treeDir, treeDir);
  const moved: KernelBuildInfo = { ...info, treeDir };
  await writeFileAtomically(join(dir, 'kernel-build.json'), JSON.stringify(moved, null, 2));
  // The mark that it is complete must not outlive the files in a power failure.
  const synced = await runCommand('sync', ['--file-system', treeDir], { signal });
  if (synced.status !== 0) throw unpackFailure(id, dir, { status: synced.status, errors: synced.output });
}

const broken = (id: KernelBuildId, reason: string): LockstepError =>
  buildError({ kind: 'kernel-pack-broken', id, reason });

function unpackFailure(id: KernelBuildId, dir: string, { status, errors }: StreamedResult): LockstepError {
  const said = fullDiskLine(errors);
  if (said !== undefined) return buildError({ kind: 'disk-full', dir, said });
  return broken(id, `tar ended with status ${status}: ${errors.split('\n').slice(0, 3).join('; ')}`);
}
