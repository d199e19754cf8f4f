// SPDX-License-Identifier: GPL-2.0-only
import { availableParallelism } from 'node:os';
import { mayChangeTypes, meansTheSame, sourcePatchError, type IndexedObject } from '@lockstep/domain/source-patch';
import type { ObjectProof } from '@lockstep/domain/vendor-kernel';
import { mapAtOnce } from '../processes/at-once';
import {
  compileBelow,
  compileObject,
  compileOriginal,
  compileTypes,
  isPatchable,
  prepareJob,
  preprocessObject,
  refuseNewerSources,
  whyUnpatchable,
  type CompileJob,
} from '../objects/compile-object';
import { generatedFiles } from '../builds/generated-files';
import { BuiltOriginals } from '../objects/built-originals';
import { saveCommands } from '../objects/stock-commands';
import { provideOriginals } from '../objects/stock-originals';
import { isNoReader } from '../objects/unlisted-readers';
import { hasNamesakes, withStaticsAligned } from '../objects/align-statics';
import { refuseChangedVersions } from '../objects/export-versions';
import { DebugBuilds, type Version } from './debug-builds';
import { makeChangedObjects } from './make-path';
import { reachedByText, reachedJobs, type Reached } from './reached-jobs';
import { readPatch, type PatchSources, type ReadPatch } from './read-patch';
import type { KernelBuild } from '../builds/registered-kernel';
import { sameButDebugInformation } from '../objects/same-code';
import { StagedTree } from '../builds/staged-tree';
import { buildError } from '../processes/failure';
import { progressCounter, type OnProgress } from '../processes/stage';

export interface CompilePatchOptions extends PatchSources {
  kernel: KernelBuild;
  /** Only these of the plan's objects, for a builder that shares the work; all if undefined. */
  objectPaths?: readonly string[] | undefined;
  /** Compilers at once; as many as processors if undefined. */
  compilers?: number | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** One object that a diff changes, compiled without and with it. */
export interface ObjectPair {
  objectPath: string;
  /** `vmlinux` or the module's name. */
  object: string;
  original: Uint8Array;
  /** With the patches that it is built onto, without its own; undefined if it is built onto none. */
  onto: Uint8Array | undefined;
  patched: Uint8Array;
  /** Both with debug information, where the diff may change types; `original` is what the patch is built onto. */
  types: TypeRecords | undefined;
  /** How the original compares with what was linked. */
  proof: ObjectProof | undefined;
  /** Names of static variables of functions whose numbers are the same ones in all versions. */
  provenStatics: ReadonlySet<string>;
}

export interface TypeRecords {
  readonly original: Buffer;
  readonly patched: Buffer;
  /** As `patched`, of sources in which types (`held`) are defined as they were; undefined where there is no such thing. */
  readonly withTypesAsBefore: (types: ReadonlySet<string>) => Promise<Buffer | undefined>;
}

/** How a patch is built: by replaying the saved commands, or, where that cannot be proved right, through make. */
export interface PatchPlan {
  readonly path: 'replay' | 'make';
  /** Why make; empty for `replay`. */
  readonly makeReasons: readonly string[];
  /** What to compile, in path order; make finds it itself. Any share of them can be built apart from the rest. */
  readonly objectPaths: readonly string[];
  /** For people: where the diff was let in although lines of context differ (`fuzz`), and constants that change. */
  readonly remarks: readonly string[];
}

export interface CompiledPatch<Result> extends Omit<PatchPlan, 'objectPaths'> {
  /** Of the objects that came out different, in path order. */
  readonly results: Result[];
}

type Work<Result> = (pair: ObjectPair) => Promise<Result>;

/**
 * Decides how a patch is built, before anything of it is.
 * @throws LockstepError `diff-syntax`, `diff-does-not-apply`, `diff-ambiguous`, `changes-no-object`
 * @throws LockstepError `unsupported-change`
 */
export async function planPatch(options: Omit<CompilePatchOptions, 'objectPaths'>): Promise<PatchPlan> {
  const patch = await readPatch(options.kernel, options, options);
  const makeReasons = [...patch.makeReasons, ...(await new Replay(options, patch).tryGates())];
  const { remarks } = patch;
  const objectPaths = patch.objects.map(({ path }) => path);
  return makeReasons.length > 0
    ? { path: 'make', makeReasons, objectPaths: [], remarks }
    : { path: 'replay', makeReasons, objectPaths, remarks };
}

/**
 * Compiles what a diff touches, original and patched, by replaying the kernel build's own commands; no make, and
 * nothing else of the kernel is built. Originals are kept in the cache. Each object that comes out different is given
 * to `work` while the compilers go on with the next. Diffs for which that may be wrong are built through make.
 * @throws LockstepError `diff-syntax`, `diff-does-not-apply`, `diff-ambiguous`, `changes-no-object`,
 *   `compile-failed`, `make-failed`, `kernel-build-changed`, `compiler-differs`
 * @throws LockstepError what is refused of an object, by `work` too
 */
export async function compilePatch<Result>(
  options: CompilePatchOptions,
  work: Work<Result>,
): Promise<CompiledPatch<Result>> {
  const patch = await readPatch(options.kernel, options, options);
  const replay = new Replay(options, patch);
  const { remarks } = patch;
  if (options.objectPaths !== undefined) {
    return {
      path: 'replay',
      makeReasons: [],
      remarks,
      results: await replay.compile(choose(patch.objects, options.objectPaths), work),
    };
  }
  const makeReasons = [...patch.makeReasons, ...(await replay.tryGates())];
  refuseMakeOfStock(options.kernel, makeReasons, patch);
  const path = makeReasons.length > 0 ? 'make' : 'replay';
  const results = path === 'make' ? await throughMake(options, patch, work) : await replay.compile(patch.objects, work);
  if (results.length > 0) return { path, makeReasons, remarks, results };
  const compiledObjects = patch.objects.length + patch.gates.length;
  throw buildError({ kind: 'changes-no-object', files: [...patch.files], compiledObjects });
}

/** So few objects are compiled sooner than asked about. */
const narrowPatch = 8;

/** make goes on from a finished build, which a stock kernel has none of. */
function refuseMakeOfStock({ stock }: KernelBuild, [reason]: readonly string[], patch: ReadPatch): void {
  if (stock === undefined || reason === undefined) return;
  const why = `a kernel that its distribution built has no finished build here to go on from, and the patch needs one: ${reason}`;
  throw sourcePatchError({ kind: 'unsupported-change', file: patch.files[0] ?? '', reason: why });
}

/** Where a patch is compiled. */
interface WorkPlace {
  readonly staged: StagedTree;
  readonly debug: DebugBuilds;
  readonly changesTypes: boolean;
}

/** What a patched version is compared with, by the index of its job. */
interface Unpatched extends Reached {
  readonly originals: readonly Buffer[];
  /** With what it is built onto; empty where that is nothing. */
  readonly belows: readonly Buffer[];
  readonly count: <T>(value: T) => T;
}

/** The saved commands, run again in a staged tree. */
class Replay {
  private readonly compilers: number;
  /** By object path. */
  private readonly proofs = new Map<string, ObjectProof>();
  private readonly built: BuiltOriginals;

  constructor(
    private readonly options: CompilePatchOptions,
    private readonly patch: ReadPatch,
  ) {
    this.compilers = options.compilers ?? availableParallelism();
    this.built = new BuiltOriginals(options.kernel);
  }

  /**
   * Compiles what no livepatch can change, to see that it comes out the same.
   * @returns why make is needed: generated headers would differ
   * @throws LockstepError `unsupported-change` for assembly, boot code, the vdso
   */
  async tryGates(): Promise<string[]> {
    const { gates } = this.patch;
    if (gates.length === 0) return [];
    const differing = await this.compile(gates, async ({ objectPath }) => Promise.resolve(objectPath));
    return differing.map((path) => `${path}: headers are generated from it, and the diff changes it`);
  }

  async compile<Result>(objects: readonly IndexedObject[], work: Work<Result>): Promise<Result[]> {
    const { kernel, signal } = this.options;
    const affected = await this.prepare(objects);
    refuseNewerSources(kernel, affected);
    await using staged = await StagedTree.lease(kernel.dir, kernel.treeDir, signal);
    const changesTypes = objects !== this.patch.gates && mayPatchChangeTypes(this.patch);
    await using debug = new DebugBuilds({ kernel, patch: this.patch, signal }, staged);
    const searching = { ...this.options, compilers: this.compilers, staged };
    const place = { staged, debug, changesTypes };
    const reached = await reachedJobs(affected, this.patch, searching);
    const results = await this.compileReached(reached, place, work);
    if (results !== undefined) return results;
    await staged.restore();
    return (await this.compileReached(await reachedByText(affected, this.patch, searching), place, work)) ?? [];
  }

  /**
   * The preprocessor is asked about the sample while the compilers run: it is one of few objects, and mostly confirms.
   * @returns undefined where the sample means something else: then nothing that was found counts, what was refused neither
   */
  private async compileReached<Result>(
    reached: Reached,
    place: WorkPlace,
    work: Work<Result>,
  ): Promise<Result[] | undefined> {
    const { staged } = place;
    const { sample } = reached;
    const readSample = async (): Promise<string | undefined> =>
      sample === undefined ? undefined : preprocessObject(sample, staged.dir, this.options.signal);
    const [was, before] = await Promise.allSettled([readSample(), this.compileUnpatched(reached, staged)]);
    if (was.status === 'rejected') throw was.reason;
    if (before.status === 'rejected' && sample === undefined) throw before.reason;
    await staged.change(this.patch.changed);
    const compilePatched = async (): Promise<Result[]> => {
      if (before.status === 'rejected') throw before.reason;
      return this.compilePatched(before.value, place, work);
    };
    const [is, results] = await Promise.allSettled([readSample(), compilePatched()]);
    if (is.status === 'rejected') throw is.reason;
    const isConfirmed = was.value !== undefined && is.value !== undefined && meansTheSame(was.value, is.value);
    if (sample !== undefined && !isConfirmed) return undefined;
    if (results.status === 'rejected') throw results.reason;
    return results.value;
  }

  private async compileUnpatched({ jobs: found, bodiesAlone }: Reached, staged: StagedTree): Promise<Unpatched> {
    const { kernel, signal, onProgress } = this.options;
    const { base } = this.patch;
    const jobs = await this.withOriginals(found);
    await staged.add(generatedFiles(kernel.dir));
    const count = progressCounter('compile objects', jobs.length * (base.size > 0 ? 3 : 2), onProgress);
    const originals = await mapAtOnce(jobs, this.compilers, async (job) =>
      count(await compileOriginal(job, kernel, staged.dir, signal)),
    );
    if (base.size > 0) await staged.change(base);
    const belows = await mapAtOnce(base.size > 0 ? jobs : [], this.compilers, async (job) =>
      count(await compileBelow(job, base, kernel, staged.dir, signal)),
    );
    return { jobs, originals, belows, bodiesAlone, count };
  }

  /** In a tree that has the patch. */
  private async compilePatched<Result>(
    { jobs, originals, belows, bodiesAlone, count }: Unpatched,
    { staged, debug, changesTypes }: WorkPlace,
    work: Work<Result>,
  ): Promise<Result[]> {
    const { kernel, signal } = this.options;
    const results = await mapAtOnce([...jobs.entries()], this.compilers, async ([index, job]) => {
      const original = originals[index] ?? Buffer.alloc(0);
      const keepsVersions = bodiesAlone.has(job.indexed.path);
      const versions = keepsVersions
        ? Promise.resolve()
        : refuseChangedVersions(job, original, kernel, staged.dir, signal);
      // What does not compile has no versions either: the compiler's message says more.
      versions.catch(() => undefined);
      const compiling = compileObject(job, 'patched', staged.dir, signal);
      // This process has nothing to do while the compiler runs.
      const proving = this.built.prove(job.indexed);
      proving.catch(() => undefined);
      const patched = count(await compiling);
      await versions;
      const pair = await pairOf(job, { original, onto: belows[index], patched });
      if (pair === undefined) return [];
      const under = belows[index] ?? original;
      const [below, now] = changesTypes
        ? [await debug.of(job, 'below', under), await debug.of(job, 'patched', patched)]
        : [];
      const asBefore: TypeRecords['withTypesAsBefore'] = async (names) => debug.withTypesAsBefore(job, names);
      const isRecorded = below !== undefined && now !== undefined;
      const types = isRecorded ? { original: below, patched: now, withTypesAsBefore: asBefore } : undefined;
      const proof = this.proofs.get(pair.objectPath) ?? (await proving);
      return [await work({ ...(await withProvenStatics(pair, job, debug)), types, proof })];
    });
    return results.flat();
  }

  /** Of many readers of a header few use what changes: those of a stock kernel are not compiled before that is known. */
  private async prepare(objects: readonly IndexedObject[]): Promise<CompileJob[]> {
    const { kernel, onProgress, signal } = this.options;
    const isWide = objects.length > narrowPatch;
    const uncommanded = isWide ? await saveCommands(kernel, objects, signal) : objects;
    await provideOriginals(kernel, uncommanded, { onProgress, signal });
    const jobs = await mapAtOnce(objects, this.compilers, async (object) => prepareJob(kernel, object));
    if (kernel.stock === undefined || this.patch.base.size > 0) return jobs;
    return jobs.filter(({ saved }) => !isNoReader(saved, this.patch.files));
  }

  private async withOriginals(jobs: readonly CompileJob[]): Promise<CompileJob[]> {
    const { kernel, onProgress, signal } = this.options;
    if (kernel.stock === undefined) return [...jobs];
    const objects = jobs.map(({ indexed }) => indexed);
    const proved = await provideOriginals(kernel, objects, { onProgress, signal });
    for (const { objectPath, proof } of proved) this.proofs.set(objectPath, proof);
    return mapAtOnce(objects, this.compilers, async (object) => prepareJob(kernel, object));
  }
}

/** The same, its later versions with the numbers of static variables that the running kernel has. */
async function withProvenStatics<Versioned extends ObjectPair>(
  pair: Versioned,
  job: CompileJob,
  debug: DebugBuilds,
): Promise<Versioned> {
  const { objectPath, original, onto, patched } = pair;
  const versions = [original, ...(onto === undefined ? [] : [onto]), patched].map((bytes) => Buffer.from(bytes));
  if (!isPatchable(job.indexed) || !hasNamesakes(versions, objectPath)) return pair;
  const names: readonly Version[] = onto === undefined ? ['running', 'patched'] : ['running', 'below', 'patched'];
  const [first, ...later] = versions.map((bytes, index) => {
    return { bytes, record: () => debug.of(job, names[index] ?? 'patched', bytes) };
  });
  if (first === undefined) return pair;
  const aligned = await withStaticsAligned(first, later, objectPath);
  const below = onto === undefined ? undefined : aligned.later[0];
  return { ...pair, onto: below, patched: aligned.later.at(-1) ?? patched, provenStatics: aligned.proven };
}

/** Whether any of the sources may define types in another way. */
function mayPatchChangeTypes({ originals, base, changed }: ReadPatch): boolean {
  return [...changed].some(([path, text]) => {
    if (!/\.[ch]$/.test(path)) return false;
    return mayChangeTypes(base.get(path) ?? originals.get(path) ?? '', text ?? '');
  });
}

/** Originals are those of the unpatched tree, whatever the patched ones were made with. */
async function throughMake<Result>(
  options: CompilePatchOptions,
  patch: ReadPatch,
  work: Work<Result>,
): Promise<Result[]> {
  const { kernel, compilers = availableParallelism(), onProgress, signal } = options;
  const changesTypes = mayPatchChangeTypes(patch);
  const made = await makeChangedObjects({
    kernel,
    changed: patch.changed,
    changesTypes,
    compilers,
    onProgress,
    signal,
  });
  const jobs = await mapAtOnce(made, compilers, async ({ indexed }) => prepareJob(kernel, indexed));
  refuseNewerSources(kernel, jobs);
  await using staged = await StagedTree.lease(kernel.dir, kernel.treeDir, signal);
  const built = new BuiltOriginals(kernel);
  const results = await mapAtOnce([...jobs.entries()], compilers, async ([index, job]) => {
    const original = await compileOriginal(job, kernel, staged.dir, signal);
    const patched = Buffer.from(made[index]?.patched ?? []);
    const pair = await pairOf(job, { original, onto: undefined, patched });
    if (pair === undefined) return [];
    const proof = await built.prove(job.indexed);
    const types = made[index]?.types;
    if (types === undefined) return [await work({ ...pair, proof })];
    const records: TypeRecords = {
      original: await compileTypes(job, kernel, patch.base, staged.dir, signal),
      patched: Buffer.from(types),
      // Which of the sources make wrote is not known here.
      withTypesAsBefore: async () => Promise.resolve(undefined),
    };
    return [await work({ ...pair, types: records, proof })];
  });
  return results.flat();
}

function choose<Named extends { path: string }>(objects: readonly Named[], paths: readonly string[]): Named[] {
  const wanted = new Set(paths);
  return objects.filter(({ path }) => wanted.has(path));
}

interface Versions {
  readonly original: Buffer;
  readonly onto: Buffer | undefined;
  readonly patched: Buffer;
}

/** What is linked into nothing a livepatch can name (vdso, boot code) and assembly must come out the same. */
async function pairOf({ indexed }: CompileJob, versions: Versions): Promise<ObjectPair | undefined> {
  const { path: objectPath, object } = indexed;
  const before = versions.onto ?? versions.original;
  if (comesOutTheSame(objectPath, before, versions.patched)) return undefined;
  if (indexed.alsoIn !== undefined) {
    const reason = `the diff changes it, and it is part of ${[object, ...indexed.alsoIn].join(' and ')}: each has its own copy, and a livepatch would change that of one. Patch what differs in them`;
    throw sourcePatchError({ kind: 'unsupported-change', file: objectPath, reason });
  }
  if (!isPatchable(indexed) && (await sameButDebugInformation(before, versions.patched))) return undefined;
  if (isPatchable(indexed) || objectPath.endsWith('.s'))
    return {
      objectPath,
      object: object ?? '',
      ...versions,
      types: undefined,
      proof: undefined,
      provenStatics: new Set(),
    };
  throw sourcePatchError({ kind: 'unsupported-change', file: objectPath, reason: whyUnpatchable(indexed) });
}

/** Generated headers are made from marked lines of an assembly listing; the rest of it is comments with line numbers. */
function comesOutTheSame(path: string, original: Buffer, patched: Buffer): boolean {
  if (!path.endsWith('.s')) return original.equals(patched);
  const marked = (listing: Buffer): string[] => listing.toString('latin1').match(/^\s*\.ascii "->.*$/gm) ?? [];
  return marked(original).join('\n') === marked(patched).join('\n');
}
