// SPDX-License-Identifier: GPL-2.0-only
export { parseProbe, showProbe, type Probe } from './probe';
export { judgeProbes, triesUntilError, type ProbeJudgement, type ProbeResult, type ProbeVerdict } from './probe-result';
