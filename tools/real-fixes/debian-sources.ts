// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { prepareKernelTree } from '@lockstep/io/kernel-builder';

/** Two versions of Debian's source of the same series, the second one later. */
export interface DebianVersions {
  /** `6.1.176-1` */
  readonly from: string;
  readonly to: string;
}

/** `6.1.176-1..6.1.192-2`. @throws Error saying what it should look like */
export function parseDebianVersions(text: string): DebianVersions {
  const [, from, to] = /^(\d+\.\d+\.\d+-\w+)\.\.(\d+\.\d+\.\d+-\w+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined && seriesOf(from) === seriesOf(to)) return { from, to };
  throw new Error(`"${text}" are not two source versions of one series: give them as 6.1.176-1..6.1.192-2`);
}

/** `6.1` of `6.1.176-1`. */
const seriesOf = (version: string): string => /^\d+\.\d+/.exec(version)?.[0] ?? '';

const apt = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] });

/** `uname -r` of Debian's kernel of a flavour that was built from that version. @throws Error where apt offers none */
export function releaseOfVersion(version: string, flavour: string): string {
  const image = `^linux-image-${seriesOf(version).replaceAll('.', '\\.')}\\.0-[0-9]+-${flavour}$`;
  const names = apt('apt-cache', 'search', '--names-only', image)
    .split('\n')
    .flatMap((line) => line.split(' ')[0] ?? []);
  const shown = apt('apt-cache', 'show', ...names.filter((name) => name !== ''));
  return releaseIn(shown, version) ?? fail(`apt offers no ${flavour} kernel of version ${version}: apt-get update`);
}

/** What apt shows of all images is one paragraph for each of their versions. */
export function releaseIn(shown: string, version: string): string | undefined {
  const paragraph = shown.split('\n\n').find((text) => text.split('\n').includes(`Version: ${version}`));
  return /^Package: linux-image-(\S+)$/m.exec(paragraph ?? '')?.[1];
}

function fail(message: string): never {
  throw new Error(message);
}

/** Fetches a version's source through apt and unpacks it, patched as Debian's is. @param dir made */
export async function unpackDebianSource(version: string, dir: string): Promise<void> {
  const series = seriesOf(version);
  const packages = `${dir}.package`;
  mkdirSync(packages, { recursive: true });
  const options = { cwd: packages, stdio: 'ignore' } as const;
  execFileSync('apt-get', ['download', '--quiet', `linux-source-${series}=${version}`], options);
  const [file = ''] = readdirSync(packages);
  execFileSync('dpkg-deb', ['--extract', file, '.'], options);
  const source = { kind: 'tarball', file: path.join(packages, `usr/src/linux-source-${series}.tar.xz`) } as const;
  await prepareKernelTree({ source, targetDir: dir });
  rmSync(packages, { recursive: true });
}
