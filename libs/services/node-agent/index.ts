// SPDX-License-Identifier: GPL-2.0-only
export { defaultHoldFile } from './hold';
export { createLog, type Log, type LogFields, type LogLevel } from './logger';
export { sayShutdown } from './say-shutdown';
export { LoaderService, type LoaderServiceOptions } from './loader-service';
export { NetworkService, type NetworkServiceOptions } from './network-service';
export { NodeAgent, type NodeAgentOptions } from './node-agent';
export type { EndReason } from './ordered-end';
export type { Enrolment, NodeIdentity } from './node-identity';
export type { BuildPolicy } from './vouch';
