// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { orderCommand } from '../order-command';

export const abortRollout = (cli: Cli): Command =>
  orderCommand(cli, 'abort', 'stop it for good; every node stays where it is', ({ fleet, signal }, { id, reason }) =>
    fleet.abortRollout({ id, reason }, { signal }),
  );
