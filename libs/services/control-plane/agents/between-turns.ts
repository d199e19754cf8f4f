// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Steps } from '@lockstep/domain/rollout-planner';

/** So long the event loop may stand still for it, and one step more. */
const turnMs = 5;

/** Takes steps, as many as go in one turn of the event loop, until there is a result. */
export async function betweenTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const beganAtMs = performance.now();
    while (performance.now() - beganAtMs < turnMs) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    await nextTurn();
  }
}
