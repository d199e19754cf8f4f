// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { orderCommand } from '../order-command';

export const resumeRollout = (cli: Cli): Command =>
  orderCommand(
    cli,
    'resume',
    'let one go on that is paused; or that has halted, despite what failed: then --reason is needed',
    ({ fleet, signal }, { id, reason }) => fleet.resumeRollout({ id, reason }, { signal }),
  );
