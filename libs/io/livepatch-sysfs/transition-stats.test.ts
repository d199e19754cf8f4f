// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseTransitionStats } from './transition-stats';

const failed = `patch lockstep_a_12345678
mode system
direction patching
result failed
attempts 40
stops 3
window_ns 18230 91000
stop_ns 30000 120000
checked_outside 412
checked_inside 9
elapsed_ms 30012
blocker 411 meminfo_proc_show my cat
blocker 0 (exiting) 
blocker 412 futex_wait ice
frozen 412
shape_of_things_to_come 1
`;

describe('transition_stats', () => {
  test('each line is read; those of later versions are left out', () => {
    expect(parseTransitionStats(failed)).toEqual({
      module: 'lockstep_a_12345678',
      mode: 'system',
      direction: 'patching',
      result: 'failed',
      attempts: 40,
      windowLastNs: 18_230,
      windowMaxNs: 91_000,
      checkedOutside: 412,
      checkedInside: 9,
      elapsedMs: 30_012,
      blockers: [
        { pid: 411, function: 'meminfo_proc_show', comm: 'my cat' },
        { pid: 0, function: '(exiting)', comm: '' },
        { pid: 412, function: 'futex_wait', comm: 'ice', heldBy: 'frozen' },
      ],
    });
  });

  test('nothing switched yet is nothing; another word is an error', () => {
    expect(parseTransitionStats('')).toBeUndefined();
    expect(() => parseTransitionStats(failed.replace('mode system', 'mode magic'))).toThrow(/magic/);
  });
});
