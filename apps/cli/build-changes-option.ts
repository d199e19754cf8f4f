// SPDX-License-Identifier: GPL-2.0-only

/** For `.option(...)`. */
export const buildChangesOption = [
  '--allow-build-changes',
  'the diff may change what the build itself runs: makefiles, Kconfig, scripts, tools',
] as const;
