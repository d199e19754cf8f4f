// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { orderCommand } from '../order-command';

export const rejectRollout = (cli: Cli): Command =>
  orderCommand(
    cli,
    'reject',
    'end a rollout that waits for approvals; --reason is needed',
    ({ fleet, signal }, { id, reason }) => fleet.rejectRollout({ id, reason }, { signal }),
  );
