// SPDX-License-Identifier: GPL-2.0-only
import type { Caveat } from './caveat';
import type { KernelBuildId, ModuleName, PatchId, PatchName, Sha256 } from './ids';
import type { PatchedFunction } from './patched-function';

/** All that is decided about a built module without reading it: part of every load entry, so signed with it. */
export interface ArtifactManifest {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly kernelBuild: KernelBuildId;
  readonly moduleName: ModuleName;
  readonly patch: PatchId;
  readonly patchName: PatchName;
  /** `replace` patches take every other patch's place (struct klp_patch.replace). */
  readonly replace: boolean;
  readonly functions: readonly PatchedFunction[];
  /** Absent, as in entries from before there were any: none. */
  readonly caveats?: readonly Caveat[] | undefined;
}
