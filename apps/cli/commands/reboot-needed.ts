// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseFixes, type CveId } from '@lockstep/domain/cve-exposure';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { listAll } from '@lockstep/io/rpc-client';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { resolveKernelBuild } from '../resolve-kernel-build';
import { selectorOption } from '../selector-option';
import { judgeReboots, rebootDocument, rebootTable } from '../views/reboot-view';
import { fileFault } from '../file-fault';

interface Options extends LeafOptions {
  readonly nextKernel: string;
  readonly fixes: string;
  readonly cluster?: string;
  readonly selector?: string;
}

function readFixes(file: string): CveId[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const message = `The list of fixes ${file} cannot be read: ${fileFault(error)}.`;
    throw new LockstepError('invalid-input', 'usage', message, { file }, { cause: error });
  }
  return parseFixes(text);
}

/** As ld makes them. */
const wholeId = /^[0-9a-f]{40}$/;

export const rebootNeeded = (cli: Cli): Command =>
  viewCommand(
    'reboot-needed',
    'do the loaded livepatches cover what the next kernel would fix; exit 1 if one is unknown',
  )
    .requiredOption(
      '--next-kernel <kernel>',
      'kernel build id of it, which need not be registered; or its beginning, if it is',
    )
    .requiredOption('--fixes <file>', 'the CVEs that it fixes, one a line; - for standard input')
    .option('--cluster <cluster>', 'only nodes of this cluster')
    .option(...selectorOption)
    .addHelpText(
      'after',
      '\nWhat its kernel shows counts, as with lockstep cve. Where that is not known nothing is guessed.',
    )
    .action(({ nextKernel, fixes, cluster = '', selector = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, build, signal } = context;
        const cves = readFixes(fixes);
        const next = wholeId.test(nextKernel) ? nextKernel : await resolveKernelBuild(context, nextKernel);
        const patches = await listAll(build.listPatches, {}, (listed) => listed.patches, { signal });
        const named = new Set(patches.flatMap((patch) => patch.cves));
        const known = cves.filter((cve) => named.has(cve));
        const answer = await fleet.getExposure({ cves: known, cluster, selector }, { signal });
        const reboots = judgeReboots(answer, cves, next);
        return {
          document: rebootDocument(reboots),
          text: rebootTable(reboots),
          names: reboots.filter(({ verdict }) => verdict.verdict === 'needed').map(({ node }) => node.name),
          hasFailed: reboots.some(({ verdict }) => verdict.verdict === 'unknown'),
        };
      }),
    );
