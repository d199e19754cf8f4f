// SPDX-License-Identifier: GPL-2.0-only
export { defaultProbeCommandsFile, type ProbeCommandsOptions } from './probe-commands';
export { runProbe, type ProbeOutcome, type ProbeRun } from './run-probe';
