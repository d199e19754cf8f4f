// SPDX-License-Identifier: GPL-2.0-only
import type { RolloutMessage } from '../api/schemas';
import type { IconName } from '../display/icon';
import type { Tone } from '../display/tones';

export interface Waiting {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly words: string;
  /** At the latest; absent where only an operator ends it. */
  readonly until: string | undefined;
}

/** What or whom a rollout waits for; undefined of one that has ended. */
export function waitingOf({ status, halt, waiting }: RolloutMessage): Waiting | undefined {
  switch (status ?? 'ROLLOUT_STATUS_UNSPECIFIED') {
    case 'ROLLOUT_STATUS_HALTED':
      return {
        ...{ tone: 'bad', icon: 'halt', until: undefined },
        words: `waits for an operator: ${halt?.message ?? 'it has halted'}`,
      };
    case 'ROLLOUT_STATUS_PAUSED':
      return {
        ...{ tone: 'warn', icon: 'pause', until: undefined },
        words: `waits for an operator: ${waiting?.message ?? 'it is paused'}`,
      };
    case 'ROLLOUT_STATUS_RUNNING':
      return waiting?.message === undefined
        ? undefined
        : {
            tone: 'busy',
            icon: waiting.reason === 'bake' ? 'clock' : 'moving',
            words: waiting.message,
            until: waiting.until,
          };
    case 'ROLLOUT_STATUS_UNSPECIFIED':
    case 'ROLLOUT_STATUS_SUCCEEDED':
    case 'ROLLOUT_STATUS_SUPERSEDED':
    case 'ROLLOUT_STATUS_ABORTED':
      return undefined;
  }
}
