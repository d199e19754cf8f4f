// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { collect, type Cli } from '../cli';
import { orderCommand } from '../order-command';

export const retryRollout = (cli: Cli): Command =>
  orderCommand(
    cli,
    'retry',
    'wait once more for nodes that failed, are overdue or away',
    ({ fleet, signal }, { id, reason, nodes }) => fleet.retryRollout({ id, reason, nodes }, { signal }),
  ).option('--node <node>', 'this one, may be given more than once (default: all that failed)', collect);
