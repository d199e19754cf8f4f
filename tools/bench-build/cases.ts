// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { lineDiff } from '../mutation-test/line-diff';

export const caseNames = ['one-line', 'three-object', 'header', 'narrow-header', 'header-type'] as const;
export type CaseName = (typeof caseNames)[number];

interface Edit {
  readonly file: string;
  /** A whole line that is in the file once, and what takes its place. */
  readonly from: string;
  readonly to: string;
}

/** The same on 5.15 and 6.1; `round` makes each round's patch a new one. */
function editsOf(name: CaseName, round: number): Edit[] {
  const answer = `seq_puts(m, "round ${round}\\n");`;
  const meminfo = {
    file: 'fs/proc/meminfo.c',
    from: '\tarch_report_meminfo(m);',
    to: `\tarch_report_meminfo(m); ${answer}`,
  };
  const inHeader = {
    file: 'include/linux/netlink.h',
    from: '\tif (!control->module)',
    to: `\tif (!control->module || control->min_dump_alloc == ${10_000 + round})`,
  };
  switch (name) {
    case 'one-line':
      return [meminfo];
    case 'three-object':
      return [
        meminfo,
        { file: 'fs/proc/cmdline.c', from: "\tseq_putc(m, '\\n');", to: `\tseq_putc(m, '\\n'); ${answer}` },
        { file: 'fs/proc/version.c', from: '\t\tutsname()->version);', to: `\t\tutsname()->version); ${answer}` },
      ];
    case 'header':
      // An inline function that a few of the objects which read the header really call.
      return [inHeader];
    case 'narrow-header':
      // The same of a header that some hundred objects of a distribution's kernel read, not a thousand.
      // Below 0 from round 0 on: -0 would change nothing.
      return [{ file: 'include/net/tcp.h', from: '\tif (win < 0)', to: `\tif (win < ${-1 - round})` }];
    case 'header-type':
      // And a type, because of which all that read the header are compiled.
      return [
        {
          file: 'include/linux/netlink.h',
          from: 'struct netlink_skb_parms {',
          to: `struct round_${round} { int round; }; struct netlink_skb_parms {`,
        },
        inHeader,
      ];
  }
}

function diffOf(treeDir: string, { file, from, to }: Edit): string {
  const lines = readFileSync(path.join(treeDir, file), 'latin1').split('\n');
  const at = lines.indexOf(from);
  if (at < 0 || lines.indexOf(from, at + 1) >= 0) throw new Error(`${file}: not exactly one line "${from}"`);
  return lineDiff(file, lines, at, to);
}

/** A case's patch for this tree, as `-p1` diff. Edits of one file follow each other, in the order of its lines. */
export function patchOf(treeDir: string, name: CaseName, round: number): string {
  const edits = editsOf(name, round);
  return edits
    .map((edit, index) => {
      const diff = diffOf(treeDir, edit);
      const goesOn = edits[index - 1]?.file === edit.file;
      return goesOn ? diff.slice(diff.indexOf('@@')) : diff;
    })
    .join('');
}
