// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { checkModule } from '@lockstep/domain/klp-module';
import { LockstepError, type ArtifactManifest, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { BuildVerifier } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';

/** What must vouch for a module beside the log that orders it. */
export interface BuildPolicy {
  /** Whether a build key that this machine was given has signed a module. */
  readonly isSigned: BuildVerifier;
  /** Modules from before there was a build key, by the word of whoever runs this machine. */
  readonly unsigned: ReadonlySet<Sha256>;
}

/**
 * The control plane says when a module is loaded, the build key says that it was built: whoever has only one of them loads
 * nothing here. What the log says of the module is compared with the module, too, for on it stands what may shadow what.
 * @param release as `uname -r` prints it here
 * @throws LockstepError `refused` `not-vouched-for`, `corrupt` `module-differs`
 */
export async function insistVouchedFor(
  file: string,
  artifact: ArtifactManifest,
  { isSigned, unsigned }: BuildPolicy,
  release: string,
): Promise<void> {
  const bytes = await readFile(file);
  const isVouchedFor = unsigned.has(artifact.sha256) || isSigned(bytes);
  if (sha256OfBytes(bytes) !== artifact.sha256 || !isVouchedFor) {
    const message = `${artifact.moduleName} is ordered by the control plane, and signed by none of the build keys that this machine was given (--build-keys): it is not loaded. If you know how it was built, --allow-unsigned ${artifact.sha256} lets it in.`;
    throw new LockstepError('refused', 'not-vouched-for', message, { sha256: artifact.sha256 });
  }
  checkModule(bytes, artifact, release);
}
