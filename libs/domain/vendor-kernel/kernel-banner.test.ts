// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { identityArguments, kernelBanner, packageArguments, releaseIn } from './kernel-banner';

const debians =
  'Linux version 6.1.0-50-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, ' +
  'GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-02)';
const own = 'Linux version 5.15.135 (me@here) (gcc (Debian 12.2.0-14) 12.2.0) #7 SMP Sun Nov 29 02:00:00 UTC 2026';
const makefile = 'ifneq ($(DISTRIBUTION_OFFICIAL_BUILD),)\n';

describe('the banner of a kernel', () => {
  test('is found among other bytes, without what follows it', () => {
    expect(kernelBanner(Buffer.from(`\0other\0${debians}\n\0more`))).toBe(debians);
    expect(kernelBanner(Buffer.from('no kernel'))).toBe('');
  });

  test('says the release', () => {
    expect(releaseIn(debians)).toBe('6.1.0-50-cloud-amd64');
    expect(releaseIn(own)).toBe('5.15.135');
    expect(releaseIn('')).toBe('');
    expect(releaseIn('Linux version 6.1.0-$(shell-word) (a@b) (gcc) #1')).toBe('');
  });
});

describe('the package that a kernel says it is of', () => {
  test("is what Debian's build tells make", () => {
    expect(packageArguments(debians, makefile)).toEqual([
      'DISTRIBUTION_OFFICIAL_BUILD=1',
      'DISTRIBUTOR=Debian',
      'DISTRIBUTION_VERSION=6.1.176-1',
    ]);
  });

  test('is told to nobody who does not ask for it, and not made up', () => {
    expect(packageArguments(debians, 'VERSION = 6\n')).toEqual([]);
    expect(packageArguments(own, makefile)).toEqual([]);
    expect(packageArguments('', makefile)).toEqual([]);
  });
});

describe('who built a kernel, where, as which build and when', () => {
  test('is told to make, so that the object with the banner is the same again', () => {
    expect(identityArguments(debians)).toEqual([
      'KBUILD_BUILD_USER=debian-kernel',
      'KBUILD_BUILD_HOST=lists.debian.org',
      'KBUILD_BUILD_VERSION=1',
      'KBUILD_BUILD_TIMESTAMP=Debian 6.1.176-1 (2026-07-02)',
    ]);
    expect(identityArguments(own)).toEqual([
      'KBUILD_BUILD_USER=me',
      'KBUILD_BUILD_HOST=here',
      'KBUILD_BUILD_VERSION=7',
      'KBUILD_BUILD_TIMESTAMP=Sun Nov 29 02:00:00 UTC 2026',
    ]);
    expect(identityArguments(debians.replace('#1', '#'))).toEqual([
      'KBUILD_BUILD_USER=debian-kernel',
      'KBUILD_BUILD_HOST=lists.debian.org',
      'KBUILD_BUILD_TIMESTAMP=Debian 6.1.176-1 (2026-07-02)',
    ]);
  });

  test('is not made up, and nothing that make would expand', () => {
    expect(identityArguments('Linux version 6.1.0')).toEqual([]);
    expect(identityArguments(own.replace('me@here', '$(words)@here'))).toEqual([]);
    expect(identityArguments(own.replace('2026', '$(words)'))).toEqual([]);
    expect(packageArguments(debians.replace('176-1', '176-1$(words)'), makefile)).toEqual([]);
  });
});
