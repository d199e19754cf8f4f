// SPDX-License-Identifier: GPL-2.0-only
export { isTracingWanted, startTracing } from './start-tracing';
export { TraceMemory } from './trace-memory';
export { activeTrace, linkTo, recordSpan, traced, type TraceParent } from './traced';
