// SPDX-License-Identifier: GPL-2.0-only
export { campaignEvents, type ShownCampaign } from './campaign-events';
export { eventTypes, type EventType, type FleetEvent } from './fleet-event';
export { matchesFilter, parseEventFilter, type EventFilter } from './event-filter';
export { nodeEvents, toldConditionOf, type NodeCondition, type ShownCondition } from './node-events';
export { rolloutEvents, type ShownRollout } from './rollout-events';
