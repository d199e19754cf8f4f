// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import {
  LockstepError,
  type ArtifactManifest,
  type KernelBuildId,
  type ModuleName,
  type PatchedFunction,
  type PatchId,
  type PatchName,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { serialisable, type Client, type Transaction } from './client';
import type { Prisma } from './generated/client';
import {
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
  readonly artifact: ArtifactManifest | null;
}

/** One queueing of one build: what a worker's report is about. */
export interface BuildRun {
  readonly id: string;
  readonly generation: number;
}

const include = { artifact: true, patch: { select: { name: true } } } as const;
type BuildRow = Prisma.BuildGetPayload<{ include: typeof include }>;

function artifactFromRow(row: NonNullable<BuildRow['artifact']>, patchName: string): ArtifactManifest {
  return {
    sha256: row.sha256 as Sha256,
    sizeBytes: row.sizeBytes,
    kernelBuild: row.kernelBuildId as KernelBuildId,
    moduleName: row.moduleName as ModuleName,
    patch: row.patchId as PatchId,
    patchName: patchName as PatchName,
    replace: row.replace,
    functions: row.functions as unknown as PatchedFunction[],
  };
}

const fromRow = (row: BuildRow): BuildRecord => ({
  id: row.id,
  generation: row.generation,
  patch: row.patchId as PatchId,
  patchName: row.patch.name as PatchName,
  kernelBuild: row.kernelBuildId as KernelBuildId,
  artifact: row.artifact === null ? null : artifactFromRow(row.artifact, row.patch.name),
  ...workState(row),
});

export interface BuildStore {
  /** A build of the patch for each kernel build: new, as it is, or queued again after a failure that may pass. */
  queue(patch: PatchId, kernelBuilds: readonly KernelBuildId[]): Promise<BuildRecord[]>;
  /** Queues a build again that has succeeded, because its file is gone. */
  rebuild(run: BuildRun): Promise<BuildRecord>;
  list(patch?: PatchId): Promise<BuildRecord[]>;
  find(id: string): Promise<BuildRecord | null>;
  /** @throws LockstepError `not-found` `unknown-build`. */
  require(id: string): Promise<BuildRecord>;
  /** The artifact of a patch for a kernel build. @throws LockstepError `refused` `not-built` when there is none yet. */
  requireArtifact(patch: PatchId, kernelBuild: KernelBuildId): Promise<ArtifactManifest>;
  unfinished(): Promise<BuildRecord[]>;
  progress(run: BuildRun, attempts: number, progress?: WorkProgress): Promise<void>;
  succeed(run: BuildRun, attempts: number, manifest: ArtifactManifest): Promise<void>;
  fail(run: BuildRun, attempts: number, failure: WorkFailure): Promise<void>;
  /** Is the file part of a load order that this artifact belongs to? */
  knowsArtifact(sha256: Sha256): Promise<boolean>;
}

async function queueOne(tx: Transaction, patchId: PatchId, kernelBuildId: KernelBuildId): Promise<BuildRow> {
  const where = { patchId_kernelBuildId: { patchId, kernelBuildId } };
  const present = await tx.build.findUnique({ where, include });
  if (present === null) return tx.build.create({ data: { id: randomUUID(), patchId, kernelBuildId }, include });
  if (present.status !== 'failed' || !present.retryable) return present;
  return tx.build.update({ where, data: { ...queuedAgain(), generation: present.generation + 1 }, include });
}

async function recordArtifact(tx: Transaction, manifest: ArtifactManifest): Promise<void> {
  const { sha256, kernelBuild: kernelBuildId, patch: patchId, functions } = manifest;
  const { sizeBytes, moduleName, replace } = manifest;
  const rest = { sizeBytes, moduleName, replace, functions: functions as unknown as Prisma.InputJsonArray };
  await tx.artifact.upsert({ where: { sha256 }, create: { sha256, kernelBuildId, patchId, ...rest }, update: {} });
}

function notBuilt(patch: PatchId, kernelBuild: KernelBuildId, build: BuildRow | null): LockstepError {
  const state = build === null ? 'was not built' : `has a build that is ${build.status}`;
  const cure = build === null ? 'submit it for that kernel build' : `\`lockstep build show ${build.id}\` tells more`;
  return new LockstepError('refused', 'not-built', `The patch ${state} for kernel build ${kernelBuild}: ${cure}.`, {
    patch,
    kernelBuild,
    ...(build === null ? {} : { build: build.id, status: build.status }),
  });
}

export function buildStore(db: Client): BuildStore {
  const at = ({ id, generation }: BuildRun) => ({ id, generation, ...notEnded });
  const find = async (id: string): Promise<BuildRecord | null> => {
    const row = await db.build.findUnique({ where: { id }, include });
    return row === null ? null : fromRow(row);
  };
  return {
    queue: (patch, kernelBuilds) =>
      serialisable(db, async (tx) => {
        const rows: BuildRow[] = [];
        for (const kernelBuild of kernelBuilds) rows.push(await queueOne(tx, patch, kernelBuild));
        return rows.map(fromRow);
      }),
    async rebuild({ id, generation }) {
      const data = { ...queuedAgain(), artifactSha256: null, generation: generation + 1 };
      await db.build.updateMany({ where: { id, generation, status: 'succeeded' }, data });
      return fromRow(await db.build.findUniqueOrThrow({ where: { id }, include }));
    },
    async list(patch) {
      const where = patch === undefined ? {} : { patchId: patch };
      return (await db.build.findMany({ where, include, orderBy: [{ queuedAt: 'asc' }, { id: 'asc' }] })).map(fromRow);
    },
    find,
    async require(id) {
      const build = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? await find(id) : null;
      if (build !== null) return build;
      throw new LockstepError(
        'not-found',
        'unknown-build',
        `There is no build "${id}": \`lockstep build ls\` lists them.`,
        {
          build: id,
        },
      );
    },
    async requireArtifact(patchId, kernelBuildId) {
      const where = { patchId_kernelBuildId: { patchId, kernelBuildId } };
      const row = await db.build.findUnique({ where, include });
      if (row?.status !== 'succeeded' || row.artifact === null) throw notBuilt(patchId, kernelBuildId, row);
      return artifactFromRow(row.artifact, row.patch.name);
    },
    async unfinished() {
      return (await db.build.findMany({ where: notEnded, include })).map(fromRow);
    },
    async progress(run, attempts, progress) {
      await db.build.updateMany({ where: at(run), data: running(progress, attempts) });
    },
    succeed: (run, attempts, manifest) =>
      serialisable(db, async (tx) => {
        if ((await tx.build.count({ where: at(run) })) === 0) return;
        await recordArtifact(tx, manifest);
        const data = { status: 'succeeded' as const, attempts, artifactSha256: manifest.sha256, endedAt: new Date() };
        await tx.build.updateMany({ where: at(run), data });
      }),
    async fail(run, attempts, failure) {
      await db.build.updateMany({ where: at(run), data: failed(failure, attempts) });
    },
    async knowsArtifact(sha256) {
      return (await db.artifact.count({ where: { sha256 } })) > 0;
    },
  };
}
