// SPDX-License-Identifier: GPL-2.0-only
// Loaded into the control plane before its own code (`node --require`), of whatever version: tells over the process' own
// channel how long its event loop has stood still at most since it was asked last. The product knows nothing of it.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What the probe answers. */
export interface LoopAnswer {
  readonly longestStopMs: number;
}

const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();

process.on('message', () => {
  process.send?.({ longestStopMs: delays.max / 1e6 } satisfies LoopAnswer);
  delays.reset();
});
// The channel alone must not keep the control plane alive.
process.channel?.unref();
