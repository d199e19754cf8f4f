// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { signInProblemIn } from './sign-in-problem';

test('an address says why nobody was signed in by words of ours alone', () => {
  expect(signInProblemIn('?sign-in-problem=sign-in-unknown')?.message).toContain('has begun no sign-in');
  for (const word of ['', 'made-up', 'toString', '__proto__', 'constructor']) {
    expect(signInProblemIn(`?sign-in-problem=${word}`)).toBeUndefined();
  }
});
