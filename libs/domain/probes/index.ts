// SPDX-License-Identifier: GPL-2.0-only
export {
  judgeGates,
  outcomeOf,
  parseGate,
  showGate,
  type GateMeasure,
  type GateOutcome,
  type GatesJudgement,
  type MetricGate,
} from './metric-gate';
export { parseProbe, showProbe, type Probe } from './probe';
export { judgeProbes, triesUntilError, type ProbeJudgement, type ProbeResult, type ProbeVerdict } from './probe-result';
