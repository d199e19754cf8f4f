// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import {
  readModuleSymbols,
  writeLivepatchModule,
  type KernelSymbolTable,
  type LivepatchModule,
} from '@lockstep/domain/klp-module';
import type { Caveat, ModuleName, PatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects, type ObjectDiff, type Sleeper } from '@lockstep/domain/object-diff';
import {
  describeTypeChange,
  refuseTypeChanges,
  remarksOnTypes,
  type AllowedTypeChanges,
  type TypeChange,
} from '@lockstep/domain/type-layouts';
import { vendorProofs, type ObjectProof, type VendorProof } from '@lockstep/domain/vendor-kernel';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { builtModules } from '../builds/built-modules';
import { ObjectCompiler } from '../objects/object-compiler';
import { refuseGoneGlobals } from '../objects/refuse-gone-globals';
import { usingDirectory } from '../builds/cached-kernels';
import { notingDoubt } from '../builds/doubted-kernel';
import { compilePatch, type CompilePatchOptions, type ObjectPair, type PatchPlan } from './compile-patch';
import { reachedTypes } from './reached-types';
import type { PatchSources } from './read-patch';
import { tellingFullDisk } from '../processes/full-disk';
import type { KernelBuild } from '../builds/registered-kernel';
import { readKeptModule } from '../vendors/vendor-files';

/** One object that a diff changes, and how. Plain data: it can cross to another thread, process or machine. */
export interface ComparedObject {
  /** `vmlinux` or the module's name. */
  readonly object: string;
  readonly diff: ObjectDiff;
  /** Types that it understands in another way with the diff. */
  readonly types: readonly TypeChange[];
  /** How its original compares with what was linked. */
  readonly proof?: ObjectProof | undefined;
}

/** A patch, or a share of its objects, compiled and compared. */
export interface ComparedPatch extends Omit<PatchPlan, 'objectPaths'> {
  /** Those that come out different, in path order. */
  readonly objects: readonly ComparedObject[];
}

export interface ComparePatchOptions extends CompilePatchOptions {
  /** Types that the author vouches for. */
  allowedTypeChanges?: AllowedTypeChanges | undefined;
}

/**
 * Compiles what a diff touches and compares each object as soon as it is there.
 * @throws LockstepError as compilePatch does, `disk-full`, and `refused` for a change that no livepatch can make
 */
export async function comparePatch(options: ComparePatchOptions): Promise<ComparedPatch> {
  const { results, ...plan } = await tellingFullDisk(options.kernel.dir, async () =>
    compilePatch(options, async (pair) => compareObject(pair, options)),
  );
  return { ...plan, objects: results };
}

async function compareObject(
  { object, objectPath, original, onto, patched, types, proof, provenStatics }: ObjectPair,
  { kernel, allowedTypeChanges }: ComparePatchOptions,
): Promise<ComparedObject> {
  const changes = types === undefined ? [] : await reachedTypes(types, objectPath, allowedTypeChanges);
  // Before the code: that a variable or a boot function differs is mostly what comes of it.
  refuseTypeChanges([{ objectPath, types: changes }], allowedTypeChanges, false);
  const versions = onto === undefined ? { original, patched } : { original: onto, patched, running: original };
  const diff = diffObjects({ ...versions, objectPath, tables: kernel.facts.tables, provenStatics });
  return { object, diff, types: diff.functions.length === 0 ? [] : changes, proof };
}

export interface LinkOptions {
  kernel: KernelBuild;
  /** Of what was compared: refusals tell where its author wrote it. Undefined where no diff made it. */
  sources: PatchSources | undefined;
  /** Of the whole patch, in path order: the module's bytes depend on it. */
  compared: readonly ComparedObject[];
  moduleName: ModuleName;
  patchId: PatchId;
  replace: boolean;
  allowedTypeChanges?: AllowedTypeChanges | undefined;
}

export interface LinkedLivepatch extends LivepatchModule {
  /** What belongs to its manifest. */
  readonly caveats: readonly Caveat[];
  /** That its originals are what the kernel was linked from. */
  readonly proofs: readonly VendorProof[];
}

/**
 * Makes one livepatch module of all the changed objects.
 * @throws LockstepError `no-function-changed`, and `refused` for what no livepatch can do
 */
export async function linkLivepatch(options: Omit<LinkOptions, 'sources'>): Promise<LinkedLivepatch> {
  const { kernel, compared, allowedTypeChanges, moduleName, patchId, replace } = options;
  const objects = compared.map(({ diff, types }) => ({ objectPath: diff.objectPath, types }));
  const vouchedFor = refuseTypeChanges(objects, allowedTypeChanges, true);
  await refuseGoneGlobals(kernel, compared, async (object) => {
    await using compiler = await ObjectCompiler.lease(kernel);
    return await compiler.original(object);
  });
  const modules = new Set(compared.map(({ object }) => object).filter((object) => object !== 'vmlinux'));
  const { symbols: moduleSymbols, digests } = await notingDoubt(kernel.dir, async () => readModules(modules, kernel));
  const module = writeLivepatchModule({
    facts: kernel.facts,
    diffs: compared,
    moduleSymbols,
    kernelBuild: kernel.id,
    ...{ moduleName, patchId, replace },
  });
  const because = allowedTypeChanges?.because ?? '';
  const vouched = vouchedFor.map((change): Caveat => {
    return { kind: 'type-changed', message: `${describeTypeChange(change)}: ${because}` };
  });
  const stays = module.staysLoadedFor.map((message): Caveat => ({ kind: 'stays-loaded', message }));
  const { callbacksOnly } = module;
  const only: Caveat[] = callbacksOnly === null ? [] : [{ kind: 'callbacks-only', message: callbacksOnly }];
  const reloading = kernel.stock === undefined ? [] : remarksOnReloading(modules, kernel.release);
  const sleepers = compared.flatMap(({ diff }) => diff.sleepers.map((one) => sleeperCaveat(one, diff.objectPath)));
  const said = [...vouched, ...only, ...sleepers].map(({ message }) => message);
  const remarks = [...module.remarks, ...remarksOnTypes(objects), ...reloading, ...said];
  const proved = compared.flatMap(({ object, proof }) => (proof === undefined ? [] : [{ object, proof }]));
  const sha256Of = (object: string): string | undefined =>
    object === 'vmlinux' ? (kernel.stock ?? kernel).vmlinuxSha256 : digests.get(object);
  const proofs = vendorProofs(proved, sha256Of);
  return { ...module, remarks, caveats: [...stays, ...vouched, ...only, ...sleepers], proofs };
}

const sleeperCaveat = ({ name, through }: Sleeper, objectPath: string): Caveat => ({
  kind: 'sleepers',
  message:
    `tasks sleep in ${name}() of ${objectPath} (${through.length === 0 ? 'it is the scheduler' : `it calls ${through.join('() > ')}()`}) and run its old code until they wake: ` +
    'per_task may never end while one does; system waits for an instant without any, switches all or nobody, and may be taken back just so',
});

/** Kernels before 6.3 find their own relocations in a module that comes back, and refuse it; the patched core does not. */
function remarksOnReloading(modules: ReadonlySet<string>, release: string): string[] {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 3)) return [];
  return [...modules].map(
    (name) =>
      `${name}, once unloaded, cannot be loaded again while this livepatch is there: Linux ${release} refuses it`,
  );
}

interface ReadModules {
  readonly symbols: Map<string, KernelSymbolTable>;
  /** sha256 of each, uncompressed. */
  readonly digests: ReadonlyMap<string, string>;
}

async function readModules(modules: ReadonlySet<string>, kernel: KernelBuild): Promise<ReadModules> {
  const read = kernel.stock === undefined ? readBuiltModules : readVendorModules;
  return read(modules, kernel.treeDir);
}

async function readBuiltModules(modules: ReadonlySet<string>, treeDir: string): Promise<ReadModules> {
  const symbols = new Map<string, KernelSymbolTable>();
  const digests = new Map<string, string>();
  if (modules.size === 0) return { symbols, digests };
  for (const [name, file] of await builtModules(treeDir)) {
    if (!modules.has(name)) continue;
    const module = await readFile(file);
    symbols.set(name, readModuleSymbols(module, name));
    digests.set(name, sha256OfBytes(module));
  }
  return { symbols, digests };
}

async function readVendorModules(modules: ReadonlySet<string>, treeDir: string): Promise<ReadModules> {
  const symbols = new Map<string, KernelSymbolTable>();
  const digests = new Map<string, string>();
  for (const name of modules) {
    const kept = await readKeptModule(treeDir, name);
    if (kept === undefined) continue;
    symbols.set(name, readModuleSymbols(kept.module, name, kept.symbols));
    digests.set(name, sha256OfBytes(kept.module));
  }
  return { symbols, digests };
}

export type BuildLivepatchOptions = Omit<CompilePatchOptions, 'objectPaths'> &
  Omit<LinkOptions, 'compared' | 'sources'>;

export interface BuiltLivepatch extends LinkedLivepatch, Omit<PatchPlan, 'objectPaths'> {
  /** What was compared, for who wants to explain it. */
  readonly objects: readonly ComparedObject[];
}

/**
 * From a source diff to a livepatch module, in this process.
 * @throws LockstepError as comparePatch and linkLivepatch do
 */
export async function buildLivepatch(options: BuildLivepatchOptions): Promise<BuiltLivepatch> {
  const { kernel, moduleName, patchId, replace, allowedTypeChanges, onProgress, signal } = options;
  const build = async (): Promise<BuiltLivepatch> => {
    const compared = await comparePatch(options);
    onProgress?.({ stage: 'write the module', done: 0, total: 1 });
    const named = { moduleName, patchId, replace, allowedTypeChanges };
    const module = await linkLivepatch({ kernel, compared: compared.objects, ...named });
    return { ...module, ...compared, remarks: [...compared.remarks, ...module.remarks] };
  };
  return usingDirectory(kernel.dir, build, signal);
}
