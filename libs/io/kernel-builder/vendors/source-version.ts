// SPDX-License-Identifier: GPL-2.0-only
import { buildError } from '../processes/failure';
import type { VendorKernel } from './find-vendor-kernel';

/**
 * A vendor that names the source's version in the banner (`Debian 6.1.176-1`), or in the release, shows a source of another one.
 * @param makefile the source's topmost
 * @throws LockstepError `packages-mixed`
 */
export function checkSourceVersion(vendor: VendorKernel, banner: string, makefile: string): void {
  const part = (name: string): string => new RegExp(`^${name} = (.*)$`, 'm').exec(makefile)?.[1] ?? '';
  const version = [part('VERSION'), part('PATCHLEVEL'), part('SUBLEVEL')].join('.');
  const inBanner = /(?:Debian|~|-) ?(\d+\.\d+\.\d+)-\d/.exec(banner.slice(banner.indexOf('#')))?.[1];
  const inRelease = vendor.distribution === 'given' ? /^\d+\.\d+\.\d+/.exec(vendor.release)?.[0] : undefined;
  const named = inBanner ?? inRelease;
  if (named === undefined || named === version) return;
  // `5.15.0-91-generic` is a series and the vendor's own number: which patch level it was made of is in no part of it.
  if (inBanner === undefined && /^\d+\.\d+\.0-\d/.test(vendor.release) && isOfSeries(version, named)) return;
  throw buildError({ kind: 'packages-mixed', file: vendor.source, expected: named, found: version });
}

const isOfSeries = (version: string, named: string): boolean =>
  version.startsWith(named.slice(0, named.lastIndexOf('.') + 1));
