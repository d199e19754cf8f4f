// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';

/** What machines are made from, in the repository. */
export interface MachineFiles {
  /** Kconfig fragments: a kernel that boots here, and what the kernel's own livepatch selftests add. */
  baseConfig: string;
  selftestsConfig: string;
  /** PID 1 of every machine. */
  initFile: string;
}

export function machineFiles(repositoryRoot: string): MachineFiles {
  const dir = join(repositoryRoot, 'kernel-livepatch/qemu');
  return {
    baseConfig: join(dir, 'config/base.config'),
    selftestsConfig: join(dir, 'config/selftests.config'),
    initFile: join(dir, 'init'),
  };
}
