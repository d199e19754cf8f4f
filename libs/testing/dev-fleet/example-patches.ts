// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@lockstep/testing/qemu-machine';

/** The demo's functions: what /proc/meminfo, cmdline, version and loadavg answer. */
export const letters = ['a', 'b', 'c', 'd'] as const;
export type Letter = (typeof letters)[number];

/** Each letter's diff, out of the demo's own patches for that kernel. */
function diffsByLetter(release: string): Map<string, string> {
  const version = /^\d+\.\d+/.exec(release)?.[0] ?? release;
  const folder = path.join(repositoryRoot, `examples/linux-${version}`);
  const files = ['a.patch', 'b.patch'].map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const diffs = files.flatMap((text) => text.split(/^(?=--- a\/)/m)).filter((diff) => diff.startsWith('--- '));
  return new Map(diffs.map((diff) => [/lockstep: ([a-d])\d/.exec(diff)?.[1] ?? '', diff]));
}

/** A diff that makes each of `changed` say `lockstep: <letter><mark>`: for every mark another patch. */
export function exampleDiff(release: string, changed: readonly Letter[], mark: string): string {
  const diffs = diffsByLetter(release);
  return changed
    .map((letter) => {
      const diff = diffs.get(letter);
      if (diff === undefined) throw new Error(`examples for ${release} have no function ${letter}`);
      return diff.replace(/lockstep: [a-d]\d/, `lockstep: ${letter}${mark}`);
    })
    .join('');
}
