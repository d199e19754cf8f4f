// SPDX-License-Identifier: GPL-2.0-only
export { HeapSoak, type SoakOptions, type SoakPhase } from './heap-soak';
export { reportNumber } from './reporting-agent';
