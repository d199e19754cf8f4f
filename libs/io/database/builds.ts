// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import {
  LockstepError,
  type ArtifactManifest,
  type Caveat,
  type KernelBuildId,
  type ModuleName,
  type PatchedFunction,
  type PatchId,
  type PatchName,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import type { VendorProof } from '@lockstep/domain/vendor-kernel';
import { storableText } from '@lockstep/platform/runtime';
import { serialisable, type Client, type Transaction } from './client';
import type { Prisma } from './generated/client';
import { isRowId } from './row-id';
import { rowsAfter, type PageRange, type RowKey } from './row-key';
import {
  cancelled,
  failed,
  notEnded,
  queuedAgain,
  running,
  workState,
  type WorkFailure,
  type WorkProgress,
  type WorkState,
} from './work';

export interface BuildRecord extends WorkState {
  readonly id: string;
  /** Which queueing of this build it is; 1 for the first. */
  readonly generation: number;
  readonly patch: PatchId;
  readonly patchName: PatchName;
  readonly kernelBuild: KernelBuildId;
  /** Patches whose diffs are applied before, bottom first. */
  readonly onto: readonly PatchId[];
  /** Two workers build it, each all of it, before it is signed. */
  readonly reproduce: boolean;
  readonly priority: BuildPriority;
  readonly artifact: ArtifactManifest | null;
  /** That the artifact was made from what the vendor built; none of a kernel that was built in its tree. */
  readonly proofs: readonly VendorProof[];
}

export type BuildPriority = 'high' | 'normal' | 'low';

/** What is to be built: one of each content there ever is. */
export interface BuildWish {
  readonly patch: PatchId;
  readonly kernelBuild: KernelBuildId;
  readonly onto: readonly PatchId[];
  /** By two workers, each all of it; absent: however it was built. */
  readonly reproduce?: boolean;
}

/** What a worker said, as the queue kept it. */
export interface BuildLogRow {
  readonly at: Date;
  readonly worker: string;
  readonly text: string;
}

/** Why a function of a build counts as changed. */
export interface ExplanationRow extends PatchedFunction {
  readonly objectPath: string;
  readonly reasons: readonly string[];
}

export type BuiltRecord = BuildRecord & { readonly artifact: ArtifactManifest };

/** Only builds that fit all that is said. */
export interface BuildFilter {
  readonly patch?: PatchId | undefined;
  readonly kernelBuild?: KernelBuildId | undefined;
  readonly status?: BuildRecord['status'] | undefined;
}

/** One queueing of one build: what a worker's report is about. */
export interface BuildRun {
  readonly id: string;
  readonly generation: number;
}

const include = { artifact: true, patch: { select: { name: true } } } as const;
/** What is long and seldom asked for. */
const omit = { log: true, explanation: true } as const;
const orderBy = [{ queuedAt: 'asc' as const }, { id: 'asc' as const }];
type BuildRow = Prisma.BuildGetPayload<{ include: typeof include; omit: typeof omit }>;

/** Names the content that a build goes over, in one short word. */
const ontoKeyOf = (onto: readonly PatchId[]): string =>
  onto.length === 0 ? '' : createHash('sha256').update(onto.join('\n')).digest('hex');

function artifactFromRow(row: NonNullable<BuildRow['artifact']>, patchName: string): ArtifactManifest {
  const caveats = row.caveats as unknown as Caveat[];
  return {
    sha256: row.sha256 as Sha256,
    sizeBytes: row.sizeBytes,
    kernelBuild: row.kernelBuildId as KernelBuildId,
    moduleName: row.moduleName as ModuleName,
    patch: row.patchId as PatchId,
    patchName: patchName as PatchName,
    replace: row.replace,
    functions: row.functions as unknown as PatchedFunction[],
    ...(caveats.length > 0 ? { caveats } : {}),
  };
}

const fromRow = (row: BuildRow): BuildRecord => ({
  id: row.id,
  generation: row.generation,
  patch: row.patchId as PatchId,
  patchName: row.patch.name as PatchName,
  kernelBuild: row.kernelBuildId as KernelBuildId,
  onto: row.onto as PatchId[],
  reproduce: row.reproduce,
  priority: row.priority,
  artifact: row.artifact === null ? null : artifactFromRow(row.artifact, row.patch.name),
  proofs: (row.artifact?.proofs ?? []) as unknown as VendorProof[],
  ...workState(row),
});

export interface BuildResult {
  readonly artifact: ArtifactManifest;
  readonly explanation: readonly ExplanationRow[];
  readonly proofs: readonly VendorProof[];
  /** Id of the key that it is signed with for the kernel's own check; empty without one, null where that is not known. */
  readonly moduleSigner?: string | null;
}

export interface BuildStore {
  /** The build of each wish: new, as it is, or queued again after it was cancelled or failed of what may pass. */
  queue(wishes: readonly BuildWish[], priority: BuildPriority): Promise<BuildRecord[]>;
  /** Queues a build again that has succeeded, because its file is gone. */
  rebuild(run: BuildRun): Promise<BuildRecord>;
  /** In the order in which they were queued. */
  page(range: PageRange<RowKey>, only?: BuildFilter): Promise<BuildRecord[]>;
  /** All of a patch, in the same order. */
  ofPatch(patch: PatchId): Promise<BuildRecord[]>;
  find(id: string): Promise<BuildRecord | null>;
  /** @throws LockstepError `not-found` `unknown-build`. */
  require(id: string): Promise<BuildRecord>;
  /** The builds of a patch for a kernel build that have succeeded. @throws LockstepError `refused` `not-built` for none. */
  requireBuilt(patch: PatchId, kernelBuild: KernelBuildId): Promise<BuiltRecord[]>;
  unfinished(): Promise<BuildRecord[]>;
  progress(run: BuildRun, attempts: number, progress?: WorkProgress): Promise<void>;
  succeed(run: BuildRun, attempts: number, result: BuildResult): Promise<void>;
  fail(run: BuildRun, attempts: number, failure: WorkFailure): Promise<void>;
  /** Ends it unless it has ended. */
  cancel(run: BuildRun): Promise<void>;
  /** Keeps what the workers said, unless it has ended: then the queue may know nothing of it any more. */
  keepLog(run: BuildRun, log: readonly BuildLogRow[]): Promise<void>;
  /** From line `from` on, at most so many. */
  log(id: string, from: number, most: number): Promise<BuildLogRow[]>;
  explanation(id: string): Promise<ExplanationRow[]>;
  /** With which keys these modules are signed for the kernel's own check, of those of which that is known; see `BuildResult`. */
  moduleSigners(modules: readonly Sha256[]): Promise<Map<Sha256, string>>;
}

async function queueOne(tx: Transaction, wish: BuildWish, priority: BuildPriority): Promise<BuildRow> {
  const { patch: patchId, kernelBuild: kernelBuildId, onto, reproduce = false } = wish;
  const ontoKey = ontoKeyOf(onto);
  const where = { patchId_kernelBuildId_ontoKey: { patchId, kernelBuildId, ontoKey } };
  const present = await tx.build.findUnique({ where, include, omit });
  if (present === null) {
    const data = { id: randomUUID(), patchId, kernelBuildId, onto: [...onto], ontoKey, reproduce, priority };
    return tx.build.create({ data, include, omit });
  }
  const hasEnded = present.endedAt !== null;
  if (reproduce && !present.reproduce) {
    if (!hasEnded) throw underWay(present);
    // What one worker has built is not enough.
    const again = { ...queuedAgain(), reproduce, priority, artifactSha256: null, generation: present.generation + 1 };
    return tx.build.update({ where, data: again, include, omit });
  }
  if (!hasEnded && present.priority !== priority) {
    return tx.build.update({ where, data: { priority }, include, omit });
  }
  // Two workers that have built different things are mended, and then asked once more.
  const mayPass = present.retryable || (present.reproduce && present.failureReason === 'not-reproduced');
  if (!hasEnded || !mayPass) return present;
  const data = { ...queuedAgain(), priority, generation: present.generation + 1 };
  return tx.build.update({ where, data, include, omit });
}

function underWay({ id }: BuildRow): LockstepError {
  const message =
    'This patch is being built by one worker alone. Wait for that (`lockstep build watch ' +
    `${id}\`), or end it (\`lockstep build cancel ${id}\`), and submit it again.`;
  return new LockstepError('refused', 'build-under-way', message, { build: id });
}

async function recordArtifact(
  tx: Transaction,
  { artifact: manifest, proofs, moduleSigner = null }: Omit<BuildResult, 'explanation'>,
): Promise<void> {
  const { sha256, kernelBuild: kernelBuildId, patch: patchId, functions } = manifest;
  const { sizeBytes, moduleName, replace, caveats = [] } = manifest;
  const lists = {
    functions: functions as unknown as Prisma.InputJsonArray,
    caveats: caveats as unknown as Prisma.InputJsonArray,
    proofs: proofs as unknown as Prisma.InputJsonArray,
  };
  const rest = { sizeBytes, moduleName, replace, moduleSigner, ...lists };
  await tx.artifact.upsert({ where: { sha256 }, create: { sha256, kernelBuildId, patchId, ...rest }, update: {} });
}

function notBuilt(patch: PatchId, kernelBuild: KernelBuildId, build: BuildRow | undefined): LockstepError {
  const state = build === undefined ? 'was not built' : `has a build that is ${build.status}`;
  const cure =
    build === undefined ? 'submit it for that kernel build' : `\`lockstep build show ${build.id}\` tells more`;
  return new LockstepError('refused', 'not-built', `The patch ${state} for kernel build ${kernelBuild}: ${cure}.`, {
    patch,
    kernelBuild,
    ...(build === undefined ? {} : { build: build.id, status: build.status }),
  });
}

function unknownBuild(id: string): LockstepError {
  const message = `There is no build "${id}": \`lockstep build ls\` lists them.`;
  return new LockstepError('not-found', 'unknown-build', message, { build: id });
}

export function buildStore(db: Client): BuildStore {
  const at = ({ id, generation }: BuildRun) => ({ id, generation, ...notEnded });
  const find = async (id: string): Promise<BuildRecord | null> => {
    const row = await db.build.findUnique({ where: { id }, include, omit });
    return row === null ? null : fromRow(row);
  };
  const require = async (id: string): Promise<BuildRecord> => {
    const build = isRowId(id) ? await find(id) : null;
    if (build !== null) return build;
    throw unknownBuild(id);
  };
  return {
    queue: (wishes, priority) =>
      serialisable(db, async (tx) => {
        const rows: BuildRow[] = [];
        for (const wish of wishes) rows.push(await queueOne(tx, wish, priority));
        return rows.map(fromRow);
      }),
    async rebuild({ id, generation }) {
      const data = { ...queuedAgain(), artifactSha256: null, generation: generation + 1 };
      await db.build.updateMany({ where: { id, generation, status: 'succeeded' }, data });
      return require(id);
    },
    async page({ after, limit }, { patch, kernelBuild, status } = {}) {
      const only = { ...(patch && { patchId: patch }), ...(kernelBuild && { kernelBuildId: kernelBuild }) };
      const where = { ...only, ...(status && { status }), ...rowsAfter('queuedAt', after) };
      return (await db.build.findMany({ where, include, omit, orderBy, take: limit })).map(fromRow);
    },
    async ofPatch(patchId) {
      return (await db.build.findMany({ where: { patchId }, include, omit, orderBy })).map(fromRow);
    },
    find,
    require,
    async requireBuilt(patchId, kernelBuildId) {
      const rows = await db.build.findMany({ where: { patchId, kernelBuildId }, include, omit });
      const built = rows.map(fromRow).filter((build): build is BuiltRecord => build.artifact !== null);
      if (built.length === 0) throw notBuilt(patchId, kernelBuildId, rows[0]);
      return built;
    },
    async unfinished() {
      return (await db.build.findMany({ where: notEnded, include, omit })).map(fromRow);
    },
    async progress(run, attempts, progress) {
      await db.build.updateMany({ where: at(run), data: running(progress, attempts) });
    },
    succeed: (run, attempts, { explanation, ...result }) =>
      serialisable(db, async (tx) => {
        if ((await tx.build.count({ where: at(run) })) === 0) return;
        await recordArtifact(tx, result);
        const ended = { status: 'succeeded' as const, attempts, endedAt: new Date() };
        const found = {
          artifactSha256: result.artifact.sha256,
          explanation: explanation as unknown as Prisma.InputJsonArray,
        };
        await tx.build.updateMany({ where: at(run), data: { ...ended, ...found } });
      }),
    async fail(run, attempts, failure) {
      await db.build.updateMany({ where: at(run), data: failed(failure, attempts) });
    },
    async cancel(run) {
      await db.build.updateMany({ where: at(run), data: cancelled() });
    },
    async keepLog(run, rows) {
      const log = rows.map(({ at: time, worker, text }) => [time.getTime(), worker, storableText(text)]);
      await db.build.updateMany({ where: at(run), data: { log } });
    },
    async log(id, from, most) {
      // As text, and as much of it as is wanted: a log of a hundred megabytes is not held as a whole, nor taken apart by Prisma.
      const [row] = await db.$queryRaw<{ lines: string }[]>`
        SELECT jsonb_path_query_array(log, '$[$first to $last]',
          jsonb_build_object('first', ${from}::int, 'last', ${from + most - 1}::int))::text AS lines
        FROM builds WHERE id = ${id}::uuid`;
      if (row === undefined) throw unknownBuild(id);
      return (JSON.parse(row.lines) as [number, string, string][]).map(([time, worker, text]) => ({
        at: new Date(time),
        worker,
        text,
      }));
    },
    async explanation(id) {
      const row = await db.build.findUnique({ where: { id }, select: { explanation: true } });
      if (row === null) throw unknownBuild(id);
      return row.explanation as unknown as ExplanationRow[];
    },
    async moduleSigners(modules) {
      const where = { sha256: { in: [...modules] }, moduleSigner: { not: null } };
      const rows = await db.artifact.findMany({ where, select: { sha256: true, moduleSigner: true } });
      return new Map(rows.map(({ sha256, moduleSigner }) => [sha256 as Sha256, moduleSigner ?? '']));
    },
  };
}
