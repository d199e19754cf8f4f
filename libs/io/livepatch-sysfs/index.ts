// SPDX-License-Identifier: GPL-2.0-only
export { DirectoryKernel, type DirectoryKernelSettings } from './directory-kernel';
export { type KernelIdentity, type LivepatchKernel, type LoadRequest } from './livepatch-kernel';
export { SysfsKernel, type SysfsKernelOptions } from './sysfs-kernel';
