// SPDX-License-Identifier: GPL-2.0-only
import type { ArtifactManifest, KernelBuildId, PatchId, PatchName, Sha256 } from '@lockstep/domain/livepatch-model';

/** What a worker is asked to do. Carries all it needs, so that workers need no way to the database. */
export type Job =
  | { readonly kind: 'register-kernel'; readonly path: string }
  | {
      readonly kind: 'build';
      readonly patch: PatchId;
      readonly patchName: PatchName;
      readonly kernelBuild: KernelBuildId;
      /** Unified diff, base64. */
      readonly diff: string;
    };

/** What comes back; of the same kind as the job. Not to be trusted further than it can be checked. */
export type JobResult =
  | {
      readonly kind: 'register-kernel';
      readonly id: KernelBuildId;
      readonly release: string;
      readonly compiler: string;
      readonly configSha256: Sha256;
    }
  | { readonly kind: 'build'; readonly artifact: ArtifactManifest };

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

/** `attempts`: how often a worker took it. */
export type JobState =
  | { readonly state: 'absent' }
  | { readonly state: 'waiting'; readonly attempts: number }
  | { readonly state: 'active'; readonly attempts: number; readonly progress: JobProgress | undefined }
  | { readonly state: 'completed'; readonly attempts: number; readonly result: JobResult }
  | { readonly state: 'failed'; readonly attempts: number; readonly failure: JobFailure };
