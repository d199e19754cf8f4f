// SPDX-License-Identifier: GPL-2.0-only
export { parseKernelConflicts } from './kernel-conflicts';
export {
  refuseConflicts,
  refuseOtherKernel,
  type KernelIdentity,
  type LivepatchKernel,
  type LoadRequest,
} from './livepatch-kernel';
export { isLasting } from './load-refusal';
export type { LoadEstimate } from './load-estimate';
export { TransitionFailure } from './transition-failure';
export { SysfsKernel, type SysfsKernelOptions, type Waiting } from './sysfs-kernel';
export { stockTransition } from './transition-stats';
