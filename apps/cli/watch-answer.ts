// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';

/** How soon a change is seen. */
const lookAgainMs = 2_000;

/** Asks again and again, and tells each answer that differs from the one before. Ends by `signal` alone, or an error. */
export async function watchAnswer(
  ask: () => Promise<string>,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<never> {
  let last: string | undefined;
  for (;;) {
    const text = await ask();
    if (text !== last) tell(text);
    last = text;
    await sleep(lookAgainMs, undefined, { signal });
  }
}
