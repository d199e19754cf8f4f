// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import {
  consistencyOption,
  describeSwitching,
  stableOption,
  timeoutOption,
  type SwitchingOptions,
} from '../switching-options';
import { clusterDocument } from '../views/cluster-view';

interface Options extends LeafOptions, SwitchingOptions {
  readonly removeSilentAfterDays?: number;
}

const asItWas = 'as it was; "default": none of its own';

export const setCluster = (cli: Cli): Command =>
  leafCommand('set', 'change what entries get that are appended from now on, and when silent nodes go')
    .argument('<cluster>', 'name')
    .option(...consistencyOption(asItWas))
    .option(...timeoutOption(asItWas))
    .option(...stableOption(asItWas))
    .option(
      '--remove-silent-after-days <days>',
      'a node that is silent for longer is removed; 0: never (default: as it was)',
      wholeNumber,
    )
    .action((name: string, { consistency, transitionTimeout, stable, removeSilentAfterDays, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const asked = [consistency, transitionTimeout, stable, removeSilentAfterDays];
        if (asked.every((each) => each === undefined)) {
          const message =
            'Say what to change: --consistency, --transition-timeout, --stable or --remove-silent-after-days.';
          throw new LockstepError('invalid-input', 'usage', message);
        }
        const switching = { consistency, transitionTimeoutMs: transitionTimeout, stableMs: stable };
        const change = { name, ...switching, removeSilentAfterDays };
        const { cluster } = await fleet.updateCluster(change, { signal });
        const now = cluster === undefined ? '' : describeSwitching(cluster);
        const days = cluster?.removeSilentAfterDays ?? 0;
        const text =
          `New entries of ${name} get ${now === '' ? 'nothing of the cluster’s own' : now}. ` +
          `Silent nodes are ${days === 0 ? 'never removed' : `removed after ${days} days`}.`;
        return { document: clusterDocument(cluster), text };
      }),
    );
