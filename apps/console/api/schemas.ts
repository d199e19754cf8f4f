// SPDX-License-Identifier: GPL-2.0-only
import type { components, paths } from '@lockstep/contracts/generated/http-api';

/** The API's messages by their names in its description. What has its default value (0, empty, false) is absent. */
export type Schemas = components['schemas'];

export type Session = Schemas['Session'];
export type Verb = keyof Session['may'];
export type ClusterMessage = Schemas['Cluster'];
export type NodeMessage = Schemas['Node'];
export type NodeReport = Schemas['NodeReport'];
export type NodeStatus = NonNullable<NodeReport['status']>;
export type RolloutMessage = Schemas['Rollout'];
export type RolloutStatus = NonNullable<RolloutMessage['status']>;
export type NodeProgress = Schemas['NodeProgress'];
export type WaveProgress = Schemas['WaveProgress'];
export type LogEntry = Schemas['LogEntry'];
export type PatchedFunction = Schemas['PatchedFunction'];
export type WindowMessage = Schemas['Window'];
export type FreezeMessage = Schemas['Freeze'];
export type PatchMessage = Schemas['Patch'];
export type BuildMessage = Schemas['Build'];
export type BuildStatus = NonNullable<BuildMessage['status']>;

export type ApiPaths = paths;

/** A stable word and its explanation, as messages carry it. */
export interface Reason {
  readonly reason?: string;
  readonly message?: string;
}
