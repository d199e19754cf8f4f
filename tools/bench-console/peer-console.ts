// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { bundleWeight, type BundleWeight } from './bundle-weight';

export interface PeerConsole extends BundleWeight {
  readonly name: string;
}

/** Of consoles that are published as they are built: one of queues and jobs, in React as well. */
export const peerPackage = '@bull-board/ui@9.10.2';
const built = 'package/dist';

/** What another console weighs, fetched through npm. @param dir gets its files @throws Error where npm cannot fetch it. */
export function weighPeer(name: string, dir: string): PeerConsole {
  const options = { cwd: dir, encoding: 'utf8', stdio: 'pipe' } as const;
  const archive = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', name], options).trim();
  execFileSync('tar', ['--extract', '--file', archive, built], options);
  return { name, ...bundleWeight(path.join(dir, built)) };
}
