// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { QemuMachine } from './qemu-machine';

test('a folder that the machine does not see is refused before anything is made', async () => {
  const options = { name: 'unseen', kernelImage: '/boot/none', initFile: '/init' };
  for (const dir of ['/dev/shm/lockstep-unseen', '/run/lockstep-unseen'])
    await expect(QemuMachine.create({ ...options, dir })).rejects.toThrow('set TMPDIR elsewhere');
  expect(existsSync('/dev/shm/lockstep-unseen')).toBe(false);
});
