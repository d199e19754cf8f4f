// SPDX-License-Identifier: GPL-2.0-only
import type { BuildStatus, NodeStatus, RolloutStatus } from '../api/schemas';
import type { IconName } from './icon';

/** What a state means to whoever watches; each has a colour, and never that alone. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

export interface StateWord {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: string;
}

export const nodeWords: Readonly<Record<NodeStatus, StateWord>> = {
  NODE_STATUS_UNSPECIFIED: { tone: 'idle', icon: 'silent', word: 'not heard yet' },
  NODE_STATUS_IN_STEP: { tone: 'good', icon: 'check', word: 'in step' },
  NODE_STATUS_MOVING: { tone: 'busy', icon: 'moving', word: 'moving' },
  NODE_STATUS_FAILED: { tone: 'bad', icon: 'cross', word: 'failed' },
  NODE_STATUS_DIVERGED: { tone: 'bad', icon: 'fork', word: 'diverged' },
  NODE_STATUS_FORKED: { tone: 'bad', icon: 'fork', word: 'forked' },
  NODE_STATUS_QUARANTINED: { tone: 'bad', icon: 'lock', word: 'quarantined' },
  NODE_STATUS_IMPLAUSIBLE: { tone: 'bad', icon: 'warning', word: 'implausible' },
  NODE_STATUS_AHEAD: { tone: 'warn', icon: 'ahead', word: 'ahead' },
};

export const nodeStatuses = Object.keys(nodeWords) as NodeStatus[];

export const rolloutWords: Readonly<Record<RolloutStatus, StateWord>> = {
  ROLLOUT_STATUS_UNSPECIFIED: { tone: 'idle', icon: 'silent', word: 'unknown' },
  ROLLOUT_STATUS_RUNNING: { tone: 'busy', icon: 'moving', word: 'running' },
  ROLLOUT_STATUS_SUCCEEDED: { tone: 'good', icon: 'check', word: 'succeeded' },
  ROLLOUT_STATUS_HALTED: { tone: 'bad', icon: 'halt', word: 'halted' },
  ROLLOUT_STATUS_SUPERSEDED: { tone: 'idle', icon: 'ahead', word: 'superseded' },
  ROLLOUT_STATUS_PAUSED: { tone: 'warn', icon: 'pause', word: 'paused' },
  ROLLOUT_STATUS_ABORTED: { tone: 'idle', icon: 'cross', word: 'aborted' },
};

export const rolloutStatuses = Object.keys(rolloutWords) as RolloutStatus[];

export const buildWords: Readonly<Record<BuildStatus, StateWord>> = {
  BUILD_STATUS_UNSPECIFIED: { tone: 'idle', icon: 'silent', word: 'unknown' },
  BUILD_STATUS_QUEUED: { tone: 'idle', icon: 'clock', word: 'queued' },
  BUILD_STATUS_RUNNING: { tone: 'busy', icon: 'moving', word: 'building' },
  BUILD_STATUS_SUCCEEDED: { tone: 'good', icon: 'check', word: 'built' },
  BUILD_STATUS_FAILED: { tone: 'bad', icon: 'cross', word: 'failed' },
  BUILD_STATUS_CANCELLED: { tone: 'idle', icon: 'cross', word: 'cancelled' },
};

export const nodeWord = (status: NodeStatus | undefined): StateWord => nodeWords[status ?? 'NODE_STATUS_UNSPECIFIED'];
export const rolloutWord = (status: RolloutStatus | undefined): StateWord =>
  rolloutWords[status ?? 'ROLLOUT_STATUS_UNSPECIFIED'];
export const buildWord = (status: BuildStatus | undefined): StateWord =>
  buildWords[status ?? 'BUILD_STATUS_UNSPECIFIED'];
