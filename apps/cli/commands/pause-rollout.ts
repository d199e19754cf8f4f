// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { orderCommand } from '../order-command';

export const pauseRollout = (cli: Cli): Command =>
  orderCommand(
    cli,
    'pause',
    'let who is on the way finish, and start nobody until it is resumed',
    ({ fleet, signal }, { id, reason }) => fleet.pauseRollout({ id, reason }, { signal }),
  );
