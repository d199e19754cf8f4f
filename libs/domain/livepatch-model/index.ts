// SPDX-License-Identifier: GPL-2.0-only
export type { ArtifactManifest } from './artifact';
export type { Brand } from './brand';
export {
  describeCallbacks,
  isCaveatKind,
  staysLoadedFor,
  variablesUsedBy,
  type Caveat,
  type CaveatKind,
} from './caveat';
export {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parseNodeName,
  parsePatchId,
  parseNewPatchName,
  parsePatchName,
  parseSeq,
  parseSha256,
  seqZero,
  type ClusterName,
  type KernelBuildId,
  type ModuleName,
  type NodeName,
  type PatchId,
  type PatchName,
  type Seq,
  type Sha256,
} from './ids';
export { describeTaskHolder, taskHolders, type TaskHolder } from './task-holder';
export { LockstepError, type ErrorFields, type ErrorKind } from './lockstep-error';
export { moduleNameOf } from './module-name';
export { hasStrayLog, isHeldOutStatus, type HeldOutStatus, type NodeStatus } from './node-status';
export {
  concerns,
  consequenceOf,
  describeObstacle,
  isFatalTo,
  obstacleKinds,
  type Obstacle,
  type ObstacleKind,
} from './obstacle';
export { functionKey, showFunction, type FunctionKey, type PatchedFunction } from './patched-function';
export {
  kernelTroubleKinds,
  readKernelLogRecord,
  type KernelLogRecord,
  type KernelTrouble,
  type KernelTroubleKind,
} from './kernel-trouble';
