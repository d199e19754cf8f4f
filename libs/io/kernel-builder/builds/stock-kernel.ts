// SPDX-License-Identifier: GPL-2.0-only
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import { kernelProbeSources, moduleGlueSource, readKernelFacts, type KernelFacts } from '@lockstep/domain/klp-module';
import { LockstepError, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import { otherCompiler } from '@lockstep/domain/running-kernel';
import { makeDependencyIndex, type CompiledObject, type DependencyIndex } from '@lockstep/domain/source-patch';
import {
  exportsOfKernel,
  kernelBanner,
  otherExport,
  otherModuleFormat,
  releaseIn,
  type StockName,
} from '@lockstep/domain/vendor-kernel';
import { FileLock, sha256OfFile } from '@lockstep/platform/runtime';
import { buildError } from '../processes/failure';
import { tellingFullDisk } from '../processes/full-disk';
import { runStage, type OnProgress } from '../processes/stage';
import { fetchPackages, offeredPackages } from '../vendors/fetch-packages';
import { findVendorKernel, type VendorKernel } from '../vendors/find-vendor-kernel';
import { commandOf, configureVendorTree, unpackVendorSource } from '../vendors/prepare-vendor-tree';
import { isNote, readSections } from '../vendors/read-sections';
import { readDecompressed } from '../vendors/read-decompressed';
import {
  keepVendorFiles,
  keptModules,
  readKeptModule,
  readVendorVmlinux,
  vendorFolder,
  type VendorObjectUnits,
} from '../vendors/vendor-files';
import type { BuildTools } from './build-tools';
import { cachePaths } from './cache-directory';
import { removeUnused } from './cached-kernels';
import { isDoubted } from './doubted-kernel';
import { compileModuleSources } from './module-sources';
import {
  buildIdOf,
  checkOptions,
  findKernelBuild,
  keepBuild,
  listKernelBuilds,
  openKernelBuild,
  registrationFormat,
  requireCompiler,
  type KernelBuild,
  type KernelBuildInfo,
} from './registered-kernel';
import { scanSavedCommands } from './scan-tree';
import { StagedTree } from './staged-tree';

export interface StockKernelOptions extends StockName {
  /** Folder of the unpacked packages; fetched through the machine's apt if undefined. */
  readonly from?: string | undefined;
  readonly cacheDir: string;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Registers a kernel that a distribution built, from its packages: nothing but what kbuild needs before it compiles is
 * built. Its objects are compiled when a patch needs them, and proved against the vendor's kernel then.
 * @throws LockstepError `packages-missing`, `packages-unavailable`, `packages-mixed`, `no-symbols`, `compiler-differs`,
 *   `options-dropped`, `not-a-kernel-build`, `file-broken`, `make-failed`, `disk-full`
 */
export async function registerStockKernel(options: StockKernelOptions): Promise<KernelBuild> {
  const { distribution, release, from, cacheDir, onProgress, signal } = options;
  const fetched = join(cacheDir, 'packages', `${distribution}-${release}`);
  if (from !== undefined) {
    const vendor = await findVendorKernel(distribution, release, from);
    return tellingFullDisk(cacheDir, async () => registerUnpacked(vendor, options));
  }
  return tellingFullDisk(cacheDir, async () =>
    FileLock.hold(
      `${fetched}.lock`,
      async () => {
        const packages = await offeredPackages({ distribution, release, signal });
        const known = await findByPackages(options, packages);
        if (known !== undefined) return openRegistered(cacheDir, known, signal);
        await fetchPackages(packages, { distribution, release, dir: fetched, onProgress, signal });
        const register = async (): Promise<KernelBuild> =>
          registerUnpacked(await findVendorKernel(distribution, release, fetched), options, packages);
        const kernel = await register().catch(async (error: unknown) => {
          if (!isMendedHere(error, signal)) await rm(fetched, { recursive: true, force: true });
          throw error;
        });
        // What patches need of it is kept with the kernel build.
        await rm(fetched, { recursive: true, force: true });
        return kernel;
      },
      signal,
    ),
  );
}

/** Whether the same packages, gigabytes of them, serve the next try: that was ended, or lacked a program of this machine. */
const isMendedHere = (error: unknown, signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true ||
  (error instanceof LockstepError && ['compiler-differs', 'tool-missing', 'make-failed'].includes(error.reason));

/** The kernel that was registered from just these packages: fetching them again, half a gigabyte, would tell nothing new. */
async function findByPackages(
  { distribution, release, cacheDir }: StockKernelOptions,
  packages: readonly string[],
): Promise<KernelBuildId | undefined> {
  const isSame = ({ format, release: its, stock }: KernelBuildInfo): boolean =>
    format === registrationFormat &&
    its === release &&
    stock?.distribution === distribution &&
    stock.packages?.join() === packages.join();
  return (await listKernelBuilds(cacheDir)).find(isSame)?.id;
}

async function openRegistered(
  cacheDir: string,
  id: KernelBuildId,
  signal: AbortSignal | undefined,
): Promise<KernelBuild> {
  const kernel = await openKernelBuild(cacheDir, id);
  await stageFirst(kernel, signal);
  return kernel;
}

/** So that the first patch does not wait for it. */
async function stageFirst(
  { dir, treeDir }: Pick<KernelBuild, 'dir' | 'treeDir'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using staged = await StagedTree.lease(dir, treeDir, signal);
  await staged.restore();
}

export interface GivenKernelOptions extends Pick<StockKernelOptions, 'cacheDir' | 'onProgress' | 'signal'> {
  /** Unpacked, or a tarball; copied, never written to. */
  readonly source: string;
  readonly config: string;
  /** With symbols and debug information. */
  readonly vmlinux: string;
  /** Needed where the kernel was built with CONFIG_MODVERSIONS. */
  readonly symvers: string | undefined;
}

/**
 * Registers a kernel of which there is nothing but its source, config and vmlinux, as one that a distribution built: what it
 * exports is read from vmlinux, and of its modules none can be patched.
 * @throws LockstepError as registerStockKernel does
 */
export async function registerGivenKernel(options: GivenKernelOptions): Promise<KernelBuild> {
  const { source, config, vmlinux, symvers, cacheDir } = options;
  const release = releaseIn(kernelBanner(await readVendorVmlinux(vmlinux)));
  const none = { modules: undefined, debugModules: undefined, image: undefined };
  const vendor = { distribution: 'given', release, source, config, vmlinux, symvers, ...none } as const;
  return tellingFullDisk(cacheDir, async () => registerUnpacked(vendor, options));
}

async function registerUnpacked(
  vendor: VendorKernel,
  { cacheDir, onProgress, signal }: Pick<StockKernelOptions, 'cacheDir' | 'onProgress' | 'signal'>,
  packages?: readonly string[],
): Promise<KernelBuild> {
  onProgress?.({ stage: "read the vendor's kernel", done: 0, total: 1 });
  const id = buildIdOf(await readSections(vendor.vmlinux, isNote), vendor.vmlinux);
  const dir = cachePaths.registered(cacheDir, id);
  return FileLock.hold(
    `${dir}.lock`,
    async () => {
      const known = await findKernelBuild(cacheDir, id).catch(() => undefined);
      const isCurrent = known?.format === registrationFormat;
      if (isCurrent && !(await isDoubted(dir))) return openRegistered(cacheDir, id, signal);
      const vmlinux = await readVendorVmlinux(vendor.vmlinux);
      await checkParts(vendor, vmlinux);
      if (!isCurrent || (await removeUnused(dir))) {
        await rm(join(dir, '.complete'), { force: true });
        await runStage(dir, async () => makeStockBuild({ vendor, vmlinux, packages, dir, onProgress, signal })).catch(
          async (error: unknown) => {
            // Half a kernel is of no use to anybody, and nobody else looks for it.
            // What make was running when it was ended may still write.
            await rm(dir, { recursive: true, force: true, maxRetries: 5 });
            throw error;
          },
        );
      }
      return openRegistered(cacheDir, id, signal);
    },
    signal,
  );
}

/** The release comes from the kernel itself; whatever says another one is of other packages. */
async function checkParts(vendor: VendorKernel, vmlinux: Uint8Array): Promise<void> {
  const found = releaseIn(kernelBanner(vmlinux));
  if (found !== vendor.release) {
    const said = found === '' ? 'no kernel' : found;
    throw buildError({ kind: 'packages-mixed', file: vendor.vmlinux, expected: vendor.release, found: said });
  }
  const config = await readFile(vendor.config, 'utf8');
  checkOptions(config, vendor.config, false);
  if (vendor.symvers === undefined && config.includes('\nCONFIG_MODVERSIONS=y\n')) {
    const reason = 'it was built with CONFIG_MODVERSIONS: put the Module.symvers of its build beside it';
    throw buildError({ kind: 'not-a-kernel-build', dir: vendor.vmlinux, reason });
  }
  if (config.includes('\nCONFIG_X86_KERNEL_IBT=y\n')) {
    const reason =
      'it was built with CONFIG_X86_KERNEL_IBT: objtool worked on its vmlinux as a whole, which is not done here yet';
    throw buildError({ kind: 'not-a-kernel-build', dir: vendor.vmlinux, reason });
  }
  if (vendor.symvers !== undefined) {
    const other = otherExport(
      parseElf(vmlinux, vendor.vmlinux),
      (await readDecompressed(vendor.symvers)).toString('utf8'),
    );
    if (other !== undefined)
      throw buildError({
        kind: 'packages-mixed',
        file: vendor.symvers,
        expected: vendor.vmlinux,
        found: `another build (it has ${other})`,
      });
  }
  const compiler = /^CONFIG_CC_VERSION_TEXT="(.*)"$/m.exec(config)?.[1] ?? '';
  await requireCompiler(compiler, commandOf(compiler));
}

interface MakingStockBuild {
  readonly vendor: VendorKernel;
  readonly vmlinux: Uint8Array;
  readonly packages: readonly string[] | undefined;
  readonly dir: string;
  readonly onProgress: OnProgress | undefined;
  readonly signal: AbortSignal | undefined;
}

async function makeStockBuild({ vendor, vmlinux, packages, dir, onProgress, signal }: MakingStockBuild): Promise<void> {
  const treeDir = join(dir, 'tree');
  const readDir = join(dir, 'read');
  const preparing = { vendor, treeDir, onProgress };
  await unpackVendorSource({ ...preparing, signal });
  const unreadable = new AbortController();
  const reading = Promise.all([keepVendorFiles(vendor, readDir, vmlinux), sha256OfFile(vendor.vmlinux)]).catch(
    (error: unknown) => {
      unreadable.abort(error);
      throw error;
    },
  );
  const until = AbortSignal.any([unreadable.signal, ...(signal === undefined ? [] : [signal])]);
  // What is read here does not wait for what make does, nor is it left behind where that fails, nor the other way round.
  const [prepared] = await Promise.allSettled([configureVendorTree({ ...preparing, signal: until }), reading]);
  if (prepared.status === 'rejected') throw prepared.reason;
  const { compiler, config, makeArguments, remarks } = prepared.value;
  const [units, vmlinuxSha256] = await reading;
  await rename(join(readDir, vendorFolder), join(treeDir, vendorFolder));
  await rm(readDir, { recursive: true });
  if (vendor.symvers === undefined)
    await writeFile(join(treeDir, 'Module.symvers'), exportsOfKernel(parseElf(vmlinux, vendor.vmlinux)));
  const tools: BuildTools = { compiler: commandOf(compiler), makeArguments };
  // The tree is as it stays: meanwhile it is staged, too, which takes as long.
  const [gathered, staged] = await Promise.allSettled([
    factsOf(vendor.release, treeDir, tools, vmlinux, signal),
    stageFirst({ dir, treeDir }, signal),
  ]);
  if (gathered.status === 'rejected') throw gathered.reason;
  if (staged.status === 'rejected') throw staged.reason;
  const facts = gathered.value;
  const stock = { distribution: vendor.distribution, tools, vmlinuxSha256, packages, remarks };
  const index = await indexOf(units, treeDir);
  await keepBuild({
    dir,
    treeDir,
    facts,
    config,
    compiler,
    stock,
    readIndex: async () => Promise.resolve(index),
    onProgress,
  });
}

async function factsOf(
  release: string,
  treeDir: string,
  tools: BuildTools,
  vmlinux: Uint8Array,
  signal?: AbortSignal,
): Promise<KernelFacts> {
  const moduleSymvers = await readFile(join(treeDir, 'Module.symvers'), 'utf8');
  const probeObjects = await compileModuleSources(treeDir, tools, [...kernelProbeSources, moduleGlueSource], signal);
  const glueObject = probeObjects.get(moduleGlueSource.fileName) ?? new Uint8Array();
  const other = otherCompiler(vmlinux, '', glueObject);
  if (other !== null) {
    const found = parseElf(glueObject, 'a compiled object').name;
    throw buildError({ kind: 'compiler-differs', builtWith: other.compiler, compiler: tools.compiler, found });
  }
  await checkModuleFormat(treeDir, glueObject);
  return readKernelFacts({ vmlinux, release, moduleSymvers, probeObjects, glueObject });
}

/** What code shows of a config is proved with each object; the format of modules is in none of them. */
async function checkModuleFormat(treeDir: string, glueObject: Uint8Array): Promise<void> {
  const [name] = await keptModules(treeDir);
  const kept = name === undefined ? undefined : await readKeptModule(treeDir, name);
  if (kept === undefined || name === undefined) return;
  const module = parseElf(kept.module, `${name}.ko`);
  const other = otherModuleFormat(parseElf(glueObject, moduleGlueSource.fileName), module);
  if (other !== undefined)
    throw buildError({
      kind: 'packages-mixed',
      file: `${name}.ko`,
      expected: 'this source and config',
      found: `another build (${other})`,
    });
}

/** What the vendor compiled, and what kbuild compiled to prepare; the former counts where both are known. */
async function indexOf(vendorUnits: readonly VendorObjectUnits[], treeDir: string): Promise<DependencyIndex> {
  const { compiled, generates } = await scanSavedCommands(treeDir);
  const byPath = new Map<string, CompiledObject>(compiled.map((one) => [one.path, one]));
  for (const { object, units } of vendorUnits) {
    for (const { source, files } of units) {
      // Descriptions of a module and of what vmlinux exports (.vmlinux.export.c) are made when they are linked.
      if (!/\.[cS]$/.test(source) || /\.mod\.c$|^\./.test(source) || source.startsWith('/')) continue;
      const path = source.replace(/\.[cS]$/, '.o');
      byPath.set(path, { path, source, object, dependencies: files });
    }
  }
  return makeDependencyIndex([...byPath.values()], generates);
}
