// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { collect, leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { fields } from '../table';
import { chooseSecret, secretOption } from '../webhook-secret';

interface Options extends LeafOptions {
  readonly type?: readonly string[];
  readonly cluster?: string;
  readonly secretFile?: string;
}

export const addWebhook = (cli: Cli): Command =>
  leafCommand('add', 'tell an endpoint of what happens from now on, as Standard Webhooks says')
    .argument('<name>', 'what to call it')
    .argument('<url>', 'https://HOST/PATH')
    .option('--type <type>', 'only events of this type, or as node.* of this kind; may be given again', collect)
    .option('--cluster <cluster>', 'only events of this cluster, and those of none')
    .option(...secretOption)
    .addHelpText('after', '\nWho receives verifies with the secret, by any library for Standard Webhooks.')
    .action((name: string, url: string, { type = [], cluster = '', secretFile, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const secret = chooseSecret(secretFile);
        const { webhook } = await fleet.addWebhook(
          { name, url, types: [...type], cluster, secret: Buffer.from(secret) },
          { signal },
        );
        const shown = secretFile === undefined ? secret : null;
        const text = fields([
          ['Webhook', `${name}, ${webhook?.url ?? ''}`],
          ...(shown === null ? [] : [['Secret', `${shown} (shown this once)`] as const]),
          ['Try it', `lockstep webhook test ${name}`],
        ]);
        return { document: { webhook: toDocument(webhook), secret: shown }, text, names: [name] };
      }),
    );
