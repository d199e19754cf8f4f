// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What a build's image tells the allocator: what is measured is to be started as it is shipped. */
export function allocatorSettingsIn(dockerfile: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [, assignments = ''] of dockerfile.matchAll(/^ENV (.*)$/gm)) {
    for (const [, name = '', value = ''] of assignments.matchAll(/(MALLOC_\w+)=(\S+)/g)) settings[name] = value;
  }
  return settings;
}

/** @param bundles of a built checkout, of whatever version */
export function allocatorSettingsOf(bundles: string): Record<string, string> {
  const file = path.join(bundles, '../docker/control-plane.Dockerfile');
  return existsSync(file) ? allocatorSettingsIn(readFileSync(file, 'utf8')) : {};
}
