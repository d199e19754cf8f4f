// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import { createControlPlane, readControlPlaneConfig } from '@lockstep/services/control-plane';

async function main(): Promise<void> {
  const controlPlane = createControlPlane(readControlPlaneConfig(process.env));
  let stopping: Promise<void> | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stopping ??= controlPlane.stop().then(() => process.exit(0));
    });
  }
  await controlPlane.start();
}

main().catch((error: unknown) => {
  process.stderr.write(visibleText(`error: ${error instanceof Error ? error.message : String(error)}\n`));
  process.exit(1);
});
