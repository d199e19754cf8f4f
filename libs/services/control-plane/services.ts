// SPDX-License-Identifier: GPL-2.0-only
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { CertificateAuthority } from '@lockstep/io/certificates';
import type { Database } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { AgentSessions } from './agents/agent-sessions';
import type { ChangeNotifier } from './change-notifier';
import type { ControlPlaneConfig } from './config';
import type { RolloutExecutor } from './rollouts/rollout-executor';
import type { KernelSharing } from './jobs/kernel-sharing';
import type { ArtifactEvictor } from './jobs/artifact-evictor';
import type { WorkTracker } from './jobs/work-tracker';

/** All that a route may use; made once, by the module. */
export interface Services {
  readonly config: ControlPlaneConfig;
  readonly log: Logger;
  readonly db: Database;
  readonly authority: CertificateAuthority;
  readonly artifacts: ArtifactStore;
  readonly evictor: ArtifactEvictor;
  readonly sharing: KernelSharing;
  readonly changes: ChangeNotifier;
  readonly work: WorkTracker;
  readonly sessions: AgentSessions;
  readonly rollouts: RolloutExecutor;
}
