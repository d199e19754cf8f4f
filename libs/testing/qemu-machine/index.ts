// SPDX-License-Identifier: GPL-2.0-only
export { chooseAccelerator } from './accelerator';
export { buildExtendedKernel, type AddedSources } from './extended-kernel';
export type { ExecResult } from './guest-shell';
export { hostAddressInGuest, type Accelerator } from './qemu-arguments';
export { QemuMachine, type MachineOptions, type MachineSystem } from './qemu-machine';
export { makeStockRamDisk, vendorModules, type StockRamDiskOptions } from './stock-ram-disk';
export { registerStockTestKernel, stockTestSetupMs } from './stock-test-kernel';
export {
  buildLockstepKernel,
  kernelFlavours,
  testKernelFlavour,
  type KernelFlavour,
  type LockstepKernelOptions,
} from './lockstep-kernel';
export {
  buildTestKernel,
  kernelTestSetupMs,
  repositoryRoot,
  startTestMachine,
  type TestMachine,
  type TestMachineOptions,
} from './test-machine';
