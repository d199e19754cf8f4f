// SPDX-License-Identifier: GPL-2.0-only
import type {
  ArtifactManifest,
  KernelBuildId,
  PatchedFunction,
  PatchId,
  PatchName,
  Sha256,
} from '@lockstep/domain/livepatch-model';
import type { AllowedTypeChanges } from '@lockstep/domain/type-layouts';
import type { StockName, VendorProof } from '@lockstep/domain/vendor-kernel';

/** A patch's diff as it travels to a worker. */
export interface SourceDiff {
  readonly patch: PatchId;
  readonly patchName: PatchName;
  /** Unified diff, base64. */
  readonly diff: string;
  /** Types that it changes by its author's word. */
  readonly allowedTypeChanges?: AllowedTypeChanges | undefined;
  /** How many lines of context of each hunk may differ, by its author's word; none if undefined. */
  readonly fuzz?: number | undefined;
  /** It may change what the build itself runs, by the word of who submitted it. */
  readonly mayChangeBuild?: boolean | undefined;
}

/** All that decides a build's outcome. */
export interface BuildInputs {
  readonly patch: PatchId;
  readonly patchName: PatchName;
  readonly kernelBuild: KernelBuildId;
  /** Applied in this order; several make one cumulative module. */
  readonly diffs: readonly SourceDiff[];
  /** What the stack holds already, bottom first: the diffs are applied over these. */
  readonly onto: readonly SourceDiff[];
  /** The module takes every other livepatch's place. */
  readonly replace: boolean;
  /** Two workers are to build it, each all of it, before it is signed. */
  readonly reproduce?: boolean | undefined;
}

/** A build, and what helps a worker to do it. */
export interface BuildWork extends BuildInputs {
  /** Where a worker that lacks the kernel build can fetch it; undefined while there is no copy. */
  readonly kernelCopy?: Sha256 | undefined;
}

/** What came out the first time. */
export interface FirstBuild {
  /** The module without any signature, in the artifact store. */
  readonly unsigned: Sha256;
  /** Of the worker that has built it. */
  readonly place: string;
}

/** What a worker is asked to do. Carries all it needs, so that workers need no way to the database. */
export type Job =
  | {
      readonly kind: 'register-kernel';
      /** A finished build; of a stock kernel the unpacked packages, or empty where they are to be fetched. */
      readonly path: string;
      readonly stock: StockName | null;
    }
  | ({ readonly kind: 'build' } & BuildWork)
  /** A build for the second time, by a worker that has not done it the first time. */
  | ({ readonly kind: 'build-again'; readonly first: FirstBuild } & BuildWork)
  /** Compiles and compares some of a build's objects. */
  | ({ readonly kind: 'build-part'; readonly objectPaths: readonly string[] } & BuildWork)
  /** Puts a registered kernel build where the other workers can fetch it. */
  | { readonly kind: 'share-kernel'; readonly kernelBuild: KernelBuildId };

/** Why a function of the module counts as changed. */
export interface ExplainedFunction extends PatchedFunction {
  /** `fs/proc/meminfo.o` */
  readonly objectPath: string;
  /** For people, one line each. */
  readonly reasons: readonly string[];
}

/** A packed kernel build in the artifact store. */
export interface KernelCopy {
  /** The file that lists the parts. */
  readonly sha256: Sha256;
  readonly parts: readonly Sha256[];
  /** All of them. */
  readonly sizeBytes: number;
}

/** What comes back; of the same kind as the job. Not to be trusted further than it can be checked. */
export type JobResult =
  | {
      readonly kind: 'register-kernel';
      readonly id: KernelBuildId;
      readonly release: string;
      readonly compiler: string;
      readonly configSha256: Sha256;
    }
  | {
      readonly kind: 'build';
      readonly artifact: ArtifactManifest;
      readonly explanation: readonly ExplainedFunction[];
      /** That it was made from what the vendor built; of a kernel that was built in its tree nothing. */
      readonly proofs: readonly VendorProof[];
      /** Of the key that the module is signed with for the kernel's own check; undefined without one. */
      readonly moduleKeyId?: string | undefined;
    }
  /** The differences found, as a file of the artifact store. */
  | { readonly kind: 'build-part'; readonly differences: Sha256 }
  | { readonly kind: 'share-kernel'; readonly copy: KernelCopy };

/** A piece of a job that any worker can do. */
export interface JobPart {
  readonly job: Job;
  /** Its share of the work, in any unit. */
  readonly weight: number;
}

/** What doing a job leads to: its result, or that others are to do parts of it first. */
export type JobOutcome = JobResult | { readonly kind: 'parts'; readonly parts: readonly JobPart[] };

export interface JobProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

export interface JobFailure {
  /** A stable word. */
  readonly reason: string;
  readonly message: string;
  /** It was not the input that was wrong. */
  readonly retryable: boolean;
}

/** One line of what the workers say about a job. */
export interface JobLogLine {
  readonly at: Date;
  /** The worker's own name. */
  readonly worker: string;
  readonly text: string;
}

/** The order in which waiting jobs are taken; jobs of one priority first come, first served. */
export type JobPriority = 'high' | 'normal' | 'low';

/** When what happened to a job: time of day, in ms. Of a job that is taken again, the last time. */
export interface JobTimes {
  readonly queuedAtMs: number;
  readonly takenAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** Of a job that a worker has taken; `attempts`: how often. */
interface Taken {
  readonly attempts: number;
  readonly times: JobTimes;
}

export type JobState =
  | { readonly state: 'absent' }
  | { readonly state: 'waiting'; readonly attempts: number }
  | (Taken & { readonly state: 'active'; readonly progress: JobProgress | undefined })
  | (Taken & { readonly state: 'completed'; readonly result: JobResult })
  | (Taken & { readonly state: 'failed'; readonly failure: JobFailure });
