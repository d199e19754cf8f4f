// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readLivepatchModule } from '@lockstep/domain/klp-module';
import { parseKernelBuildId, parseModuleName } from '@lockstep/domain/livepatch-model';
import { writtenLivepatch } from './written-livepatch';

test.each([true, false])('is read as it was written (replace: %s)', (replace) => {
  const said = {
    moduleName: parseModuleName('fix_a'),
    kernelBuild: parseKernelBuildId('ab'.repeat(20)),
    release: '6.1.0-test',
  };
  const functions = [
    { object: 'vmlinux', name: 'first', sympos: 0 },
    { object: 'vmlinux', name: 'second', sympos: 2 },
    { object: 'ext4', name: 'first', sympos: 0 },
  ];
  const read = readLivepatchModule(writtenLivepatch({ ...said, functions, replace }), 'm.ko');
  const { moduleName: module, ...others } = said;
  expect(read).toMatchObject({ module, ...others, functions, replace });
});
