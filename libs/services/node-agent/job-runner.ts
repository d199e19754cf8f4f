// SPDX-License-Identifier: GPL-2.0-only
import type { ArtifactFiles, ArtifactSource } from '@lockstep/io/agent-journal';
import type { LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import { holdOf } from './hold';
import { serverAway, type Job, type Observation } from '@lockstep/domain/node-state';

/** The machine as the brain's jobs need it: executor only, nothing is decided here. */
export interface Machine {
  readonly kernel: LivepatchKernel;
  readonly artifacts: ArtifactFiles;
  /** While it is there the agent only looks. */
  readonly holdFile: string;
  /** Where a module's bytes come from. */
  readonly fetch: (sha256: Sha256) => ArtifactSource;
}

/** @throws whatever stands in the way; the machine then is as another look will show it. */
export async function runJob(job: Job, { kernel, artifacts, fetch }: Machine): Promise<void> {
  switch (job.kind) {
    case 'fetch':
      await artifacts.receive(job.artifact, fetched(fetch(job.artifact.sha256)));
      return;
    case 'load': {
      const { artifact } = job.entry.body;
      const { mayShadow, replaces } = job;
      // Checked at each load: what the disk holds now counts, not what it held when it was fetched.
      const path = await artifacts.verified(artifact);
      const { moduleName: module, functions, replace } = artifact;
      const { consistency, transitionTimeoutMs } = job.entry.body;
      const how = { mayShadow, replaces, consistency, transitionTimeoutMs };
      await kernel.load({ path, module, functions, replace, ...how });
      return;
    }
    case 'unload':
      await kernel.unload(job.module, job.transitionTimeoutMs);
      return;
    case 'settle':
      await kernel.settle(job.module, job.transitionTimeoutMs);
      return;
  }
}

/** The same source; where it breaks off because nobody answers, the error says so. */
function fetched(source: ArtifactSource): ArtifactSource {
  return async function* (offset) {
    try {
      yield* source(offset);
    } catch (error) {
      if (!(error instanceof LockstepError) || error.kind !== 'unavailable') throw error;
      const message = `The module comes when the control plane answers again: ${error.message}`;
      throw new LockstepError('unavailable', serverAway, message, error.fields, { cause: error });
    }
  };
}

export async function observeMachine({ kernel, artifacts, holdFile }: Machine): Promise<Observation> {
  const [patches, kernelConflicts, lastTransition, present, uptimeMs, hold] = await Promise.all([
    kernel.observe(),
    kernel.conflicts(),
    kernel.lastTransition(),
    artifacts.list(),
    kernel.uptimeMs(),
    holdOf(kernel, holdFile),
  ]);
  return { patches, kernelConflicts, lastTransition, artifacts: present, uptimeMs, hold };
}
