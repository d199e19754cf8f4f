// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { createModuleCalls } from './module-calls';

test('a file that cannot be read is told as that, and nobody is sent to install what is there', async () => {
  const call = createModuleCalls().insert('/nowhere/lockstep_a.ko', []);
  await expect(call).rejects.toMatchObject({
    reason: 'module-call-failed',
    message: expect.stringMatching(/\/nowhere\/lockstep_a\.ko: No such file or directory\.$/),
  });
});
