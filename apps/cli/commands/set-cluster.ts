// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { counted } from '@lockstep/domain/visible-text';
import { collect, leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import {
  consistencyOption,
  describeSwitching,
  stableOption,
  timeoutOption,
  type SwitchingOptions,
} from '../switching-options';
import { durationFromOne } from '../share-option';
import { clusterDocument } from '../views/cluster-view';

interface Options extends LeafOptions, SwitchingOptions {
  readonly removeSilentAfterDays?: number;
  readonly approvals?: number;
  readonly approver?: readonly string[];
  readonly approvalsValid?: number;
}

const asItWas = 'as it was; "default": none of its own';

export const setCluster = (cli: Cli): Command =>
  leafCommand(
    'set',
    'change what entries get that are appended from now on, who approves rollouts, and when silent nodes go',
  )
    .argument('<cluster>', 'name')
    .option(...consistencyOption(asItWas))
    .option(...timeoutOption(asItWas))
    .option(...stableOption(asItWas))
    .option(
      '--remove-silent-after-days <days>',
      'a node that is silent for longer is removed; 0: never (default: as it was)',
      wholeNumber,
    )
    .option(
      '--approvals <people>',
      'so many approve each rollout before it begins; 0: nobody (default: as it was)',
      wholeNumber,
    )
    .option(
      '--approver <owner>',
      "with --approvals: whose counts, may be given again (default: anybody's who may)",
      collect,
    )
    .option('--approvals-valid <time>', 'with --approvals: for so long one counts (default: 7d)', durationFromOne)
    .action((name: string, { consistency, transitionTimeout, stable, removeSilentAfterDays, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { approvals: needed, approver = [], approvalsValid: validSeconds = 0 } = options;
        if (needed === undefined && (approver.length > 0 || validSeconds > 0)) {
          const message =
            '--approver and --approvals-valid need --approvals: say of how many people, also where it stays so.';
          throw new LockstepError('invalid-input', 'usage', message);
        }
        const asked = [consistency, transitionTimeout, stable, removeSilentAfterDays, needed];
        if (asked.every((each) => each === undefined)) {
          const message =
            'Say what to change: --consistency, --transition-timeout, --stable, --approvals or --remove-silent-after-days.';
          throw new LockstepError('invalid-input', 'usage', message);
        }
        const switching = { consistency, transitionTimeoutMs: transitionTimeout, stableMs: stable };
        const approvals = needed === undefined ? undefined : { needed, approvers: [...approver], validSeconds };
        const change = { name, ...switching, removeSilentAfterDays, approvals };
        const { cluster } = await fleet.updateCluster(change, { signal });
        const now = cluster === undefined ? '' : describeSwitching(cluster);
        const days = cluster?.removeSilentAfterDays ?? 0;
        const text =
          `New entries of ${name} get ${now === '' ? 'nothing of the cluster’s own' : now}. ` +
          `Silent nodes are ${days === 0 ? 'never removed' : `removed after ${counted(days, 'day')}`}. ` +
          `Rollouts need ${cluster?.approvals === undefined ? 'nobody’s approval' : `the approval of ${cluster.approvals.needed}`}.`;
        return { document: clusterDocument(cluster), text };
      }),
    );
