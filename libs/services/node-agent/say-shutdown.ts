// SPDX-License-Identifier: GPL-2.0-only
import { markShutdown } from '@lockstep/io/agent-journal';
import type { LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { timeOfDayMs } from './time-of-day';

/**
 * For whatever brings the machine down: this boot ends in order. Beside an agent that runs or has just been stopped; an
 * agent that starts again in the same boot takes it back.
 */
export async function sayShutdown({ stateDir, kernel }: { stateDir: string; kernel: LivepatchKernel }): Promise<void> {
  const { bootId } = await kernel.identity();
  await markShutdown(stateDir, { bootId, atMs: timeOfDayMs() });
}
