// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { selectorOption } from '../selector-option';
import { exposureDocument, exposureText } from '../views/exposure-view';

interface Options extends LeafOptions {
  readonly cluster?: string;
  readonly selector?: string;
}

export const showCve = (cli: Cli): Command =>
  viewCommand('cve', 'which nodes run the fix of a CVE, by what their kernels show')
    .argument('<cve>', 'CVE-YEAR-NUMBER, as patches name it (patch submit --cve)')
    .option('--cluster <cluster>', 'only nodes of this cluster')
    .option(...selectorOption)
    .addHelpText(
      'after',
      `
patched: a livepatch with the fix is enabled, all tasks run it, and nothing lies over it without the fix.
in-between: some tasks or functions run the fix, others do not. exposed: it was built for this kernel, which does not show it.
unknown: what the kernel holds is not known (the node is off), or nothing that names the CVE was built for it.`,
    )
    .action((cve: string, { cluster = '', selector = '', ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const answer = await fleet.getExposure({ cves: [cve], cluster, selector }, { signal });
        const [exposure] = answer.cves;
        if (exposure === undefined) throw new LockstepError('internal', 'no-answer', 'The server judged no CVE.');
        return {
          document: exposureDocument(answer, exposure),
          text: exposureText(answer, exposure),
          names: answer.nodes.map(({ name }) => name),
        };
      }),
    );
