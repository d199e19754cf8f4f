// SPDX-License-Identifier: GPL-2.0-only
import type { ModuleRules } from '../module-rules';

/** Of a machine that takes any module of root's. */
export const anyModule: ModuleRules = {
  modulesDisabled: false,
  ftraceDisabled: false,
  lockdown: undefined,
  signaturesEnforced: false,
  shownKeys: undefined,
  mayLoad: true,
};
