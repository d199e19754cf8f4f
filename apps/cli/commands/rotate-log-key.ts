// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { describeEntry, keyDigest } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
}

export const rotateLogKey = (cli: Cli): Command =>
  leafCommand('rotate-key', "have a new key sign a cluster's load orders from now on")
    .requiredOption('--cluster <cluster>', 'whose load orders')
    .action(({ cluster, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { entries, publicKey } = await fleet.rotateLogKey({ cluster }, { signal });
        const sha256 = keyDigest(publicKey);
        const lines = entries.map((entry) => `  ${entry.kernelBuildId}: ${describeEntry(entry)}`);
        return {
          document: { sha256, publicKey, entries: entries.map(toDocument) },
          text: [
            `Log key ${sha256} signs the load orders of ${cluster} from now on:`,
            ...lines,
            'Back up the folder of the keys now: without the new key nothing can be appended any more.',
          ].join('\n'),
        };
      }),
    );
