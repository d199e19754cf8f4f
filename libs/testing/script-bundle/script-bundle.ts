// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(__dirname, '../../..');

export interface ScriptBundle {
  /** The TypeScript file to begin with. */
  readonly entry: string;
  readonly outfile: string;
  /** `external`: what npm installed stays outside, for a script that is run on this machine. By default one file is all. */
  readonly packages?: 'bundle' | 'external';
}

/** Makes one file of a TypeScript program, for a test that runs it as a process of its own or in a virtual machine. */
export async function bundleScript({ entry, outfile, packages = 'bundle' }: ScriptBundle): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages,
    platform: 'node',
    target: 'node20.19',
    alias: {
      '@lockstep/contracts/generated/health': path.join(root, 'libs/contracts/generated/src/index.grpc.health.v1.ts'),
      '@lockstep/contracts/generated': path.join(root, 'libs/contracts/generated/src/index.lockstep.v1.ts'),
      '@lockstep': path.join(root, 'libs'),
    },
    logLevel: 'silent',
  });
}
