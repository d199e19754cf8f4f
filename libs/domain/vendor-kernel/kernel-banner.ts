// SPDX-License-Identifier: GPL-2.0-only
import { indexOfText } from '@lockstep/domain/elf';

/** More than any banner takes. */
const maxBannerBytes = 512;

/** `Linux version 6.1.0-50-cloud-amd64 (…) … #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-02)`; empty where it has none. */
export function kernelBanner(vmlinux: Uint8Array): string {
  const at = indexOfText(vmlinux, 'Linux version ');
  if (at < 0) return '';
  return new TextDecoder('latin1').decode(vmlinux.subarray(at, at + maxBannerBytes)).split(/[\0\n]/)[0] ?? '';
}

// A banner is somebody's file, and make expands what it is told: only plain words go on to it.

/** `uname -r`, as the kernel itself says it; empty where it says nothing, or what no release is. */
export const releaseIn = (banner: string): string => /^Linux version ([\w.+~-]+)(?: |$)/.exec(banner)?.[1] ?? '';

/** Of `Debian 6.1.176-1 (2026-07-02)`: who packaged it, and in which version. */
function packageIn(banner: string): { distributor: string; version: string } | null {
  const [, distributor, version] = /#.* (\w+) (\d[\w.+~:]*-[\w.+~:-]+) \(\d{4}-\d\d-\d\d\)$/.exec(banner) ?? [];
  return distributor === undefined || version === undefined ? null : { distributor, version };
}

/**
 * What Debian's build tells make beside the config: the name of its package, which the code that dumps stacks prints
 * (LINUX_PACKAGE_ID). Only its kernel says it.
 */
export function packageArguments(banner: string, makefile: string): string[] {
  const named = makefile.includes('DISTRIBUTION_OFFICIAL_BUILD') ? packageIn(banner) : null;
  if (named === null) return [];
  const { distributor, version } = named;
  return ['DISTRIBUTION_OFFICIAL_BUILD=1', `DISTRIBUTOR=${distributor}`, `DISTRIBUTION_VERSION=${version}`];
}

/** `… (user@host) (compiler, linker) #7 SMP PREEMPT_DYNAMIC when it was`: the compiler's own words have brackets too. */
const identity =
  /^Linux version \S+ \(([\w.+-]+)@([\w.+-]+)\) \(.*\) #([\w.+~-]*) (?:(?:SMP|PREEMPT\w*) )*([\w .,:+~()-]+)$/;

/**
 * Who built it, where, as which build and when: what the object that holds the banner is compiled from. Newer trees have two
 * such objects, of which the first, whose banner comes first, knows no number of the build.
 */
export function identityArguments(banner: string): string[] {
  const [, user, host, build, when] = identity.exec(banner) ?? [];
  if (user === undefined) return [];
  return Object.entries({ USER: user, HOST: host, VERSION: build, TIMESTAMP: when })
    .filter(([, said]) => said !== '')
    .map(([what, said]) => `KBUILD_BUILD_${what}=${said}`);
}
