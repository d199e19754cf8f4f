// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { orderCommand } from '../order-command';

export const approveRollout = (cli: Cli): Command =>
  orderCommand(
    cli,
    'approve',
    'give your word for what a rollout would do: of several people it needs each, never of who asked for it',
    ({ fleet, signal }, { id, reason, plan }) => fleet.approveRollout({ id, reason, planHash: plan }, { signal }),
  ).requiredOption('--plan <hash>', 'of what you have looked at, as `rollout show` and `rollout approvals` say it');
