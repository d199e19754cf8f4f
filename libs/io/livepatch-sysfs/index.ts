// SPDX-License-Identifier: GPL-2.0-only
export { DirectoryKernel, type DirectoryKernelSettings } from './directory-kernel';
export { parseKernelConflicts } from './kernel-conflicts';
export { type KernelIdentity, type LivepatchKernel, type LoadRequest } from './livepatch-kernel';
export { TransitionFailure } from './transition-failure';
export { SysfsKernel, type SysfsKernelOptions, type Waiting } from './sysfs-kernel';
