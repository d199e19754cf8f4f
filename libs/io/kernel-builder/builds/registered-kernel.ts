// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseElf, readBuildId } from '@lockstep/domain/elf';
import {
  kernelProbeSources,
  moduleGlueSource,
  parseKernelFacts,
  readKernelFacts,
  serialiseKernelFacts,
  type KernelFacts,
} from '@lockstep/domain/klp-module';
import { parseKernelBuildId, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import {
  delayedObjtool,
  readEnabledOptions,
  type DependencyIndex,
  type EnabledOptions,
} from '@lockstep/domain/source-patch';
import { layoutSeeds, unsupportedOption } from '@lockstep/domain/running-kernel';
import { readBuildTools, type BuildTools } from './build-tools';
import { cachePaths } from './cache-directory';
import { buildError } from '../processes/failure';
import { tellingFullDisk } from '../processes/full-disk';
import { FileLock, sha256OfFile } from '@lockstep/platform/runtime';
import { toolVersion } from './kernel-build';
import { compileModuleSources } from './module-sources';
import { scanBuiltTree } from './scan-tree';
import { checkRunningKernel } from './running-kernel';
import { StagedTree } from './staged-tree';
import { exists, runStage, writeFileAtomically, type OnProgress } from '../processes/stage';

/** Raised with every change of what is read of a kernel and kept, or of how its tree is made: what is older is read again. */
export const registrationFormat = 4;

/** Where proofs are kept. Its number rises with what is compared: one that looked at less is none. */
export const proofFolder = (dir: string): string => join(dir, 'proofs-2');

/** What is known of a kernel build without opening its large files. */
export interface KernelBuildInfo {
  /** Absent in what an older version kept. */
  format?: number | undefined;
  id: KernelBuildId;
  /** `uname -r` */
  release: string;
  /** `gcc (Debian 12.2.0-14+deb12u1) 12.2.0`, as the kernel's own config names it. */
  compiler: string;
  /** sha256 of .config. */
  configSha256: string;
  /** The finished build; only read. */
  treeDir: string;
  registeredAtMs: number;
  /** Of the vmlinux that was built in the tree: lower-case hex. Absent of a stock kernel, and in what an older version kept. */
  vmlinuxSha256?: string | undefined;
  /** Of a kernel that a distribution built; undefined where it was built in its tree. */
  stock?: StockBuild | undefined;
}

/** What is known of a distribution's kernel, whose objects are compiled only when patches need them. */
export interface StockBuild {
  readonly distribution: string;
  readonly tools: BuildTools;
  /** Of the vendor's vmlinux as it came: lower-case hex. Absent in what an older version kept. */
  readonly vmlinuxSha256?: string | undefined;
  /** As `name=version`, where they came through apt: what is offered in the same versions is the same kernel. */
  readonly packages?: readonly string[] | undefined;
  /** What was done to make its tree, for a person. */
  readonly remarks: readonly string[];
}

/** A registered kernel build, opened: what a patch build needs. */
export interface KernelBuild extends KernelBuildInfo {
  /** Its own directory in the cache. */
  dir: string;
  index: DependencyIndex;
  facts: KernelFacts;
  enabledOptions: EnabledOptions;
  tools: BuildTools;
  /** What objtool was told of the whole vmlinux, where it ran on no single object; null where it did. */
  delayedObjtool: string | null;
}

export interface RegisterOptions {
  /** A finished build, made inside its own tree. */
  path: string;
  /** The running kernel's vmlinux, where it is not the very one in the tree (a distributor's, say); by default that one. */
  vmlinuxFile?: string | undefined;
  cacheDir: string;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Reads once, from a finished build tree, all that patch builds need, and keeps it by the kernel's GNU build-id.
 * The tree itself stays where it is and is never written to. Registering again finds what is there, unless the tree
 * moved or was made again since.
 * @throws LockstepError `not-a-kernel-build`, `compiler-differs`, `disk-full`
 */
export async function registerKernelBuild({
  path,
  vmlinuxFile = join(path, 'vmlinux'),
  cacheDir,
  onProgress,
  signal,
}: RegisterOptions): Promise<KernelBuild> {
  const treeDir = resolve(path);
  onProgress?.({ stage: 'read the kernel', done: 0, total: 3 });
  const config = await readTreeFile(treeDir, '.config');
  const compiler = /^CONFIG_CC_VERSION_TEXT="(.*)"$/m.exec(config)?.[1] ?? '';
  const tools = await readBuildTools(treeDir);
  await checkBuild(treeDir, config, compiler, tools);
  const vmlinux = await readFile(vmlinuxFile).catch((cause: unknown) => {
    throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason: `there is no ${vmlinuxFile}` }, { cause });
  });
  await checkRelease(treeDir, vmlinux, vmlinuxFile);
  await checkRunningKernel({ treeDir, vmlinux, vmlinuxFile, compiler });
  const id = buildIdOf(vmlinux, treeDir);
  const dir = cachePaths.registered(cacheDir, id);
  return tellingFullDisk(cacheDir, async () =>
    FileLock.hold(
      `${dir}.lock`,
      async () => {
        const known = await readInfo(dir).catch(() => undefined);
        const isSameTree = known?.treeDir === treeDir && (await newestOutput(treeDir)) <= known.registeredAtMs;
        const upToDate = isSameTree && known.format === registrationFormat;
        const kept = upToDate ? await openKernelBuild(cacheDir, id).catch(() => undefined) : undefined;
        if (kept === undefined) {
          await rm(join(dir, '.complete'), { force: true });
          const facts = await gatherFacts(treeDir, tools, vmlinux, signal);
          const readIndex = async (): Promise<DependencyIndex> => scanBuiltTree(treeDir);
          const vmlinuxSha256 = await sha256OfFile(join(treeDir, 'vmlinux'));
          const read = { dir, treeDir, facts, config, compiler, vmlinuxSha256, readIndex, onProgress };
          // Another version of Lockstep may have a build of this tree under way; what it proved is proved again.
          if (isSameTree) await rm(proofFolder(dir), { recursive: true, force: true });
          await runStage(dir, async () => keepBuild(read), { resumable: isSameTree });
        }
        // So that the first patch does not wait for it.
        await using staged = await StagedTree.lease(dir, treeDir, signal);
        await staged.restore();
        onProgress?.({ stage: 'keep what was read', done: 3, total: 3 });
        return kept ?? (await openKernelBuild(cacheDir, id));
      },
      signal,
    ),
  );
}

/** @throws LockstepError `not-a-kernel-build` */
export function buildIdOf(vmlinux: Uint8Array, treeDir: string): KernelBuildId {
  const id = readBuildId(parseElf(vmlinux, 'vmlinux'));
  if (id !== null) return parseKernelBuildId(id);
  throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason: 'its vmlinux has no GNU build-id' });
}

interface ReadBuild {
  dir: string;
  treeDir: string;
  facts: KernelFacts;
  config: string;
  compiler: string;
  vmlinuxSha256?: string;
  stock?: StockBuild;
  readIndex: () => Promise<DependencyIndex>;
  onProgress: OnProgress | undefined;
}

/** Writes down, in its own directory, what was read of a kernel build. */
export async function keepBuild(read: ReadBuild): Promise<void> {
  const { dir, treeDir, facts, config, compiler, vmlinuxSha256, stock, readIndex, onProgress } = read;
  onProgress?.({ stage: 'read the saved dependencies', done: 1, total: 3 });
  // Taken before reading: what changes meanwhile is newer than it.
  const registeredAtMs = Date.now();
  const index = await readIndex();
  onProgress?.({ stage: 'keep what was read', done: 2, total: 3 });
  await writeFileAtomically(join(dir, 'kernel-facts'), serialiseKernelFacts(facts));
  await writeFileAtomically(join(dir, 'dependency-index.json'), JSON.stringify(index));
  const info: KernelBuildInfo = {
    format: registrationFormat,
    id: facts.kernelBuild,
    release: facts.release,
    compiler,
    configSha256: createHash('sha256').update(config).digest('hex'),
    treeDir,
    registeredAtMs,
    vmlinuxSha256,
    stock,
  };
  await writeFileAtomically(join(dir, 'kernel-build.json'), JSON.stringify(info, null, 2));
}

/** Looks for no more than a moment. */
export async function isRegistered(cacheDir: string, id: KernelBuildId): Promise<boolean> {
  return exists(join(cachePaths.registered(cacheDir, id), '.complete'));
}

/**
 * What is known of a registered kernel build, its large files unread.
 * @throws LockstepError `kernel-not-registered`
 */
export async function findKernelBuild(
  cacheDir: string,
  id: KernelBuildId,
): Promise<KernelBuildInfo & { readonly dir: string }> {
  if (!(await isRegistered(cacheDir, id))) throw buildError({ kind: 'kernel-not-registered', id, cacheDir });
  const dir = cachePaths.registered(cacheDir, id);
  return { ...(await readInfo(dir)), dir };
}

/** @throws LockstepError `kernel-not-registered` */
export async function openKernelBuild(cacheDir: string, id: KernelBuildId): Promise<KernelBuild> {
  const info = await findKernelBuild(cacheDir, id);
  const { dir } = info;
  return {
    ...info,
    index: JSON.parse(await readFile(join(dir, 'dependency-index.json'), 'utf8')) as DependencyIndex,
    facts: parseKernelFacts(await readFile(join(dir, 'kernel-facts'))),
    enabledOptions: readEnabledOptions(await readTreeFile(info.treeDir, '.config')),
    tools: info.stock?.tools ?? (await readBuildTools(info.treeDir)),
    delayedObjtool: delayedObjtool(await readFile(join(info.treeDir, '.vmlinux.o.cmd'), 'latin1').catch(() => '')),
  };
}

/** Every kernel build registered in a cache, newest first. */
export async function listKernelBuilds(cacheDir: string): Promise<KernelBuildInfo[]> {
  const names = await readdir(join(cacheDir, 'registered')).catch(() => []);
  const ids = names.filter((name) => !name.endsWith('.lock')).map(parseKernelBuildId);
  const complete = await Promise.all(
    ids.map(async (id) => exists(join(cachePaths.registered(cacheDir, id), '.complete'))),
  );
  const infos = await Promise.all(
    ids.filter((_, index) => complete[index] === true).map(async (id) => readInfo(cachePaths.registered(cacheDir, id))),
  );
  return infos.sort((left, right) => right.registeredAtMs - left.registeredAtMs);
}

/** What is kept of a kernel build besides its tree. */
export const registeredFiles = ['kernel-build.json', 'kernel-facts', 'dependency-index.json'] as const;

export async function readInfo(dir: string): Promise<KernelBuildInfo> {
  return JSON.parse(await readFile(join(dir, 'kernel-build.json'), 'utf8')) as KernelBuildInfo;
}

async function checkBuild(treeDir: string, config: string, builtWith: string, tools: BuildTools): Promise<void> {
  if (!(await exists(join(treeDir, 'kernel/livepatch/core.c')))) {
    const reason =
      'its source is elsewhere (an O= build): build inside the source tree, so that saved commands are relative';
    throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason });
  }
  const seeds = await Promise.all(layoutSeeds.map(async (seed) => exists(join(treeDir, seed))));
  checkOptions(config, treeDir, seeds.includes(true));
  await requireCompiler(builtWith, tools.compiler);
}

/**
 * Options that a kernel needs to be patched, and those with which it cannot be.
 * @throws LockstepError `not-a-kernel-build`
 */
export function checkOptions(config: string, dir: string, hasLayoutSeed: boolean): void {
  for (const option of ['LIVEPATCH', 'MODULES', 'X86_64', 'KALLSYMS_ALL']) {
    if (config.includes(`\nCONFIG_${option}=y\n`)) continue;
    throw buildError({ kind: 'not-a-kernel-build', dir, reason: `it was built without CONFIG_${option}` });
  }
  const unsupported = unsupportedOption(config, hasLayoutSeed);
  if (unsupported === null) return;
  const { option, why } = unsupported;
  const reason = `it was built with CONFIG_${option}: ${why}. Build the kernel without it to patch it live`;
  throw buildError({ kind: 'not-a-kernel-build', dir, reason });
}

/** Where only a version is known, not the command: distributors name clang's by its major version. */
function commandOf(builtWith: string): string {
  const clang = /clang version (\d+)/.exec(builtWith)?.[1];
  return clang === undefined ? 'gcc' : `clang-${clang}`;
}

/**
 * Another compiler makes other code of the same source.
 * @throws LockstepError `compiler-differs`
 */
export async function requireCompiler(builtWith: string, compiler = commandOf(builtWith)): Promise<void> {
  const found = await toolVersion(compiler);
  if (found !== builtWith) throw buildError({ kind: 'compiler-differs', builtWith, compiler, found });
}

/** The banner names the release; the modules' vermagic comes from the tree. */
async function checkRelease(treeDir: string, vmlinux: Buffer, vmlinuxFile: string): Promise<void> {
  const release = (await readTreeFile(treeDir, 'include/config/kernel.release')).trim();
  if (vmlinux.includes(`Linux version ${release} `)) return;
  const at = vmlinux.indexOf('Linux version ');
  const found = at < 0 ? 'no kernel at all' : vmlinux.toString('latin1', at, at + 64).split(' ')[2];
  const reason = `it is Linux ${release}, and ${vmlinuxFile} is ${found ?? 'no kernel at all'}`;
  throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason });
}

async function gatherFacts(
  treeDir: string,
  tools: BuildTools,
  vmlinux: Uint8Array,
  signal?: AbortSignal,
): Promise<KernelFacts> {
  const release = (await readTreeFile(treeDir, 'include/config/kernel.release')).trim();
  const moduleSymvers = await readTreeFile(treeDir, 'Module.symvers');
  const objects = await compileModuleSources(treeDir, tools, [...kernelProbeSources, moduleGlueSource], signal);
  const glueObject = objects.get(moduleGlueSource.fileName) ?? new Uint8Array();
  return readKernelFacts({ vmlinux, release, moduleSymvers, probeObjects: objects, glueObject });
}

async function readTreeFile(treeDir: string, path: string): Promise<string> {
  return readFile(join(treeDir, path), 'utf8').catch((cause: unknown) => {
    throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason: `it has no ${path}` }, { cause });
  });
}

/** When the build last finished something, in ms. */
async function newestOutput(treeDir: string): Promise<number> {
  const stats = await Promise.all(['vmlinux', '.config'].map(async (file) => stat(join(treeDir, file))));
  return Math.max(...stats.map(({ mtimeMs }) => mtimeMs));
}
