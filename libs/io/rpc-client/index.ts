// SPDX-License-Identifier: GPL-2.0-only
export { parseAddress, parseAddresses, reachableAddress, showAddress, showAddresses, type Address } from './address';
export { connectAgent, type AgentClient, type AgentConnection, type AgentSession } from './agent-client';
export { agentBackOff, createBackOff, type BackOff, type BackOffLimits } from './back-off';
export { enrol, type EnrolmentCall } from './enrolment-client';
export { isLastingRefusal } from './lasting-refusal';
export { listAll, listPages } from './list-all';
export { connectOperator, type OperatorClient, type OperatorConnection } from './operator-client';
export { pause } from './pause';
export type { CallOptions, ServiceClient } from './service-client';
