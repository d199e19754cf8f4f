// SPDX-License-Identifier: GPL-2.0-only
export { simulateRollout, type RolloutHistory } from './simulate-rollout';
