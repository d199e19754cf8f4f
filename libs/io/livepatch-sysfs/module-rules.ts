// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { readIfTold, type KernelRoots } from './sysfs-view';

/** What the kernel was told about modules and ftrace: any of it can make it refuse a load. */
export interface ModuleRules {
  readonly modulesDisabled: boolean;
  readonly ftraceDisabled: boolean;
  /** `integrity` or `confidentiality`; undefined where the kernel is not locked down. */
  readonly lockdown: string | undefined;
  readonly signaturesEnforced: boolean;
  /** This process has CAP_SYS_MODULE. */
  readonly mayLoad: boolean;
}

/** include/uapi/linux/capability.h */
const capSysModule = 16n;

export async function readModuleRules({ sys, proc }: KernelRoots): Promise<ModuleRules> {
  const files = [
    path.join(proc, 'sys/kernel/modules_disabled'),
    path.join(proc, 'sys/kernel/ftrace_enabled'),
    path.join(sys, 'kernel/security/lockdown'),
    path.join(sys, 'module/module/parameters/sig_enforce'),
    path.join(proc, 'self/status'),
  ];
  const [disabled, ftrace, lockdown, enforced, status] = await Promise.all(files.map(readIfTold));
  // `none [integrity] confidentiality`
  const [, level = 'none'] = /\[(\w+)\]/.exec(lockdown ?? '') ?? [];
  const [, capabilities] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '') ?? [];
  return {
    modulesDisabled: disabled?.trim() === '1',
    ftraceDisabled: ftrace?.trim() === '0',
    lockdown: level === 'none' ? undefined : level,
    signaturesEnforced: enforced?.trim() === 'Y',
    mayLoad: capabilities === undefined || ((BigInt(`0x${capabilities}`) >> capSysModule) & 1n) === 1n,
  };
}
