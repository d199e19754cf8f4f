// SPDX-License-Identifier: GPL-2.0-only
export { DirectoryKernel, type DirectoryKernelSettings } from './directory-kernel';
