// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import {
  consistencyOption,
  describeSwitching,
  stableOption,
  timeoutOption,
  type SwitchingOptions,
} from '../switching-options';
import { clusterDocument } from '../views/cluster-view';

const asItWas = 'as it was; "default": none of its own';

export const setCluster = (cli: Cli): Command =>
  leafCommand('set', 'change the settings of entries that are appended from now on')
    .argument('<cluster>', 'name')
    .option(...consistencyOption(asItWas))
    .option(...timeoutOption(asItWas))
    .option(...stableOption(asItWas))
    .action((name: string, { consistency, transitionTimeout, stable, ...options }: LeafOptions & SwitchingOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        if (consistency === undefined && transitionTimeout === undefined && stable === undefined) {
          const message = 'Say what to change: --consistency, --transition-timeout or --stable.';
          throw new LockstepError('invalid-input', 'usage', message);
        }
        const change = { name, consistency, transitionTimeoutMs: transitionTimeout, stableMs: stable };
        const { cluster } = await fleet.updateCluster(change, { signal });
        const now = cluster === undefined ? '' : describeSwitching(cluster);
        const text = `New entries of ${name} get ${now === '' ? 'nothing of the cluster’s own' : now}.`;
        return { document: clusterDocument(cluster), text };
      }),
    );
