// SPDX-License-Identifier: GPL-2.0-only
export { HeapSoak, type SoakOptions, type SoakPhase } from './heap-soak';
export { ProbedControlPlane } from './probed-control-plane';
export { reportNumber } from './reporting-agent';
