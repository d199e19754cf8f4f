// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Admission } from './admission';

test('lets in as many as it may at once, tells the others when to come, and has room again once one is through', async () => {
  const admission = new Admission({ mostAtOnce: 2, windowMs: () => 700 });
  let finish = (): void => undefined;
  const slow = () => new Promise<void>((resolve) => (finish = resolve));
  const failing = admission.admit(() => Promise.reject(new Error('no')));
  const first = admission.admit(slow);
  const refused = { kind: 'unavailable', reason: 'busy', fields: { comeBackWithinMs: 700 } };
  await expect(admission.admit(slow)).rejects.toMatchObject(refused);
  await expect(failing).rejects.toThrow('no');
  expect(await admission.admit(async () => 'welcome')).toBe('welcome');
  finish();
  await first;
});
