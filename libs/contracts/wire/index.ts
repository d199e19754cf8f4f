// SPDX-License-Identifier: GPL-2.0-only
export {
  authorityStageToWire,
  ownerKindFromWire,
  ownerKindToWire,
  roleFromWire,
  roleToWire,
  scopeFromWire,
  scopeToWire,
} from './access';
export { auditRecordFromWire, auditRecordToWire, checkpointFromWire } from './audit';
export { callVerbs } from './call-verbs';
export { comeBackWithinField, comeBackWithinMs } from './come-back';
export { errorFromStatus, statusFromError } from './error-status';
export {
  caveatToWire,
  entryFromWire,
  entryToWire,
  functionFromWire,
  functionToWire,
  manifestFromWire,
  manifestToWire,
} from './log-entry';
export {
  kernelConflictFromWire,
  obstacleFromWire,
  troubleFromWire,
  reportToWire,
  withKnownValues,
} from './node-report';
export { headFromWire, headToWire, isHeadOverdue } from './signed-head';
export { formatJoinToken, parseJoinToken, type JoinToken } from './join-token';
export {
  chunkPlaceFromWire,
  loaderFactsToWire,
  maxLoaderMessageBytes,
  readFromLoader,
  readToLoader,
  runningKernelFromWire,
  writeFromLoader,
  writeToLoader,
  type ChunkPlace,
  type ModuleChunk,
  type RunningKernel,
  type ToLoaderMessage,
} from './loader-messages';
export { maxMessageBytes } from './message-limit';
export { fieldBytes, onlyField, type WireField } from './message-field';
export { groupsBySize, messageParts } from './message-parts';
export { nodeStatusFromWire, nodeStatusToWire } from './node-status';
export { probeResultFromWire, probeResultToWire } from './probe-result';
export {
  consistencyFromWire,
  consistencyToWire,
  switchingFromWire,
  switchingToWire,
  type WireSwitching,
} from './switching';
export { traceHeader } from './trace-header';
export { masked } from './read-mask';
export {
  becauseHeader,
  callKeyHeader,
  operatorCalls,
  type OperatorCall,
  type OperatorCallName,
} from './operator-calls';
export { shareFromWire, shareToWire, spreadFromWire } from './share';
export { fieldsInPath, operatorPaths, type HttpMethod, type OperatorPath } from './operator-paths';
