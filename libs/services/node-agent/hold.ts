// SPDX-License-Identifier: GPL-2.0-only
import { access } from 'node:fs/promises';
import type { LivepatchKernel } from '@lockstep/io/livepatch-sysfs';

export const defaultHoldFile = '/etc/lockstep/hold';

/** `lockstep.hold` or `lockstep.hold=1`, as kernel parameters are written. */
const isOnCommandLine = (commandLine: string): boolean =>
  /(?:^|\s)lockstep\.hold(?:=(?:1|y|yes|on))?(?:\s|$)/.test(commandLine);

/** Who says that the agent only looks; undefined: nobody. The way out of a host that does not come up otherwise. */
export async function holdOf(kernel: LivepatchKernel, holdFile: string): Promise<string | undefined> {
  if (isOnCommandLine(await kernel.commandLine())) return 'lockstep.hold on the kernel command line';
  return access(holdFile).then(
    () => holdFile,
    () => undefined,
  );
}
