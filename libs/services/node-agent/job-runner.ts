// SPDX-License-Identifier: GPL-2.0-only
import { artifactIncomplete, type ArtifactFiles, type ArtifactSource } from '@lockstep/io/agent-journal';
import type { LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import { holdOf } from './hold';
import { isServerTrouble } from './server-trouble';
import { insistVouchedFor, type BuildPolicy } from './vouch';
import { serverAway, type Job, type Observation } from '@lockstep/domain/node-state';

/** The machine as the brain's jobs need it: executor only, nothing is decided here. */
export interface Machine {
  readonly kernel: LivepatchKernel;
  readonly artifacts: ArtifactFiles;
  /** While it is there the agent only looks. */
  readonly holdFile: string;
  /** Where a module's bytes come from. */
  readonly fetch: (sha256: Sha256, signal?: AbortSignal) => ArtifactSource;
  /** Who must have built what is loaded; undefined on a machine that was given no build key. */
  readonly policy?: BuildPolicy | undefined;
}

/** @throws whatever stands in the way; the machine then is as another look will show it. */
export async function runJob(job: Job, { kernel, artifacts, fetch, policy }: Machine): Promise<void> {
  switch (job.kind) {
    case 'fetch':
      await artifacts.receive(job.artifact, fetched(fetch(job.artifact.sha256))).catch((error: unknown) => {
        throw error instanceof LockstepError && error.reason === artifactIncomplete ? waitsForServer(error) : error;
      });
      return;
    case 'load': {
      const { artifact } = job.entry.body;
      const { mayShadow, replaces } = job;
      // Checked at each load: what the disk holds now counts, not what it held when it was fetched.
      const path = await artifacts.verified(artifact);
      if (policy !== undefined) await insistVouchedFor(path, artifact, policy, (await kernel.identity()).release);
      const { moduleName: module, functions, replace } = artifact;
      const { consistency, transitionTimeoutMs, mayInterrupt } = job.entry.body;
      const how = { mayShadow, replaces, consistency, transitionTimeoutMs, mayInterrupt };
      await kernel.load({ path, module, functions, replace, ...how });
      return;
    }
    case 'unload':
      await kernel.unload(job.module, job.transitionTimeoutMs, job.mayInterrupt);
      return;
    case 'settle':
      await kernel.settle(job.module, job.transitionTimeoutMs, job.mayInterrupt);
      return;
  }
}

function waitsForServer(error: LockstepError): LockstepError {
  const message = `The module comes when the control plane answers again: ${error.message}`;
  return new LockstepError('unavailable', serverAway, message, error.fields, { cause: error });
}

/** The same source. Only what breaks off here can be trouble of the server: a full disk is `unavailable` too. */
function fetched(source: ArtifactSource): ArtifactSource {
  return async function* (offset) {
    try {
      yield* source(offset);
    } catch (error) {
      throw error instanceof LockstepError && isServerTrouble(error.kind) ? waitsForServer(error) : error;
    }
  };
}

export async function observeMachine({ kernel, artifacts, holdFile }: Machine): Promise<Observation> {
  const [patches, kernelConflicts, kept, obstacles, trouble, lastTransition, present, uptimeMs, hold] =
    await Promise.all([
      kernel.observe(),
      kernel.conflicts(),
      kernel.kept(),
      kernel.obstacles(),
      kernel.lastTrouble(),
      kernel.lastTransition(),
      artifacts.list(),
      kernel.uptimeMs(),
      holdOf(kernel, holdFile),
    ]);
  const seen = { patches, kernelConflicts, kept, obstacles, lastTransition, artifacts: present, uptimeMs, hold };
  return trouble === undefined ? seen : { ...seen, trouble };
}
