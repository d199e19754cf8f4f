// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import { refuseOtherKernel } from './livepatch-kernel';

const ours = parseKernelBuildId('ab'.repeat(20));
const other = parseKernelBuildId('cd'.repeat(20));
const running = { kernelBuild: ours, release: '6.1.0-53-amd64' };

test.each([
  ['of this build', '6.1.0-53-amd64', ours, true],
  // A kernel with MODVERSIONS would take these.
  ['of another release of the series', '6.1.0-50-amd64', other, false],
  ['of the same release, built again', '6.1.0-53-amd64', other, false],
  ['that tells a build and no release', null, other, false],
  ['that tells only another release', '6.1.0-50-amd64', null, false],
  ['that tells only the release', '6.1.0-53-amd64', null, true],
  ['that tells nothing', null, null, true],
])('a module %s', (_, release, kernelBuild, isTaken) => {
  const judge = (): void => {
    refuseOtherKernel('fix.ko', { release, kernelBuild }, running);
  };
  if (isTaken) expect(judge).not.toThrow();
  else
    expect(judge).toThrow(expect.objectContaining({ reason: 'wrong-kernel', message: expect.stringContaining(ours) }));
});
