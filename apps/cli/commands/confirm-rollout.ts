// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Cli } from '../cli';
import { orderCommand } from '../order-command';

export const confirmRollout = (cli: Cli): Command =>
  orderCommand(
    cli,
    'confirm',
    'give your word for an emergency that somebody else has begun, afterwards; until then it is shown as unconfirmed',
    ({ fleet, signal }, { id, reason }) => fleet.confirmRollout({ id, reason }, { signal }),
  );
