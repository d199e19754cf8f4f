// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { fields, showTime } from '../table';
import { chooseSecret, secretOption } from '../webhook-secret';

interface Options extends LeafOptions {
  readonly overlapHours: number;
  readonly secretFile?: string;
}

const defaultOverlapHours = 24;

export const rotateWebhookSecret = (cli: Cli): Command =>
  leafCommand('rotate-secret', 'sign with a new secret, and for a while with the one before too')
    .argument('<webhook>', 'name')
    .option('--overlap-hours <hours>', 'how long the one before signs too', wholeNumber, defaultOverlapHours)
    .option(...secretOption)
    .action((name: string, { overlapHours, secretFile, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const secret = chooseSecret(secretFile);
        const overlapSeconds = overlapHours * 3600;
        const { webhook } = await fleet.rotateWebhookSecret(
          { name, secret: Buffer.from(secret), overlapSeconds },
          { signal },
        );
        const shown = secretFile === undefined ? secret : null;
        const text = fields([
          ['Webhook', name],
          ...(shown === null ? [] : [['Secret', `${shown} (shown this once)`] as const]),
          ['The one before', `signs too until ${showTime(webhook?.previousUntil)}`],
        ]);
        return { document: { webhook: toDocument(webhook), secret: shown }, text, names: [name] };
      }),
    );
