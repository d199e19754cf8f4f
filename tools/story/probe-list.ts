// SPDX-License-Identifier: GPL-2.0-only
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfBytes } from '@lockstep/platform/runtime';

/** What the fleet's probe runs: is the file there? */
const probeProgram = '/usr/bin/test';

/** Stands for a service of the node: while it is there, the service answers. */
const serviceFile = (folder: string): string => path.join(folder, 'web-answers');

/** What a rollout may have run on a node: the agent's own list, as on any machine. */
export const probeListFile = (folder: string): string => path.join(folder, 'probes.json');

/** Of each node its list, and a service that answers. */
export async function writeProbeLists(folders: readonly string[]): Promise<void> {
  const sha256 = sha256OfBytes(await readFile(probeProgram));
  for (const folder of folders) {
    await setService(folder, true);
    const commands = { 'web-answers': { run: [probeProgram, '-e', serviceFile(folder)], sha256 } };
    await writeFile(probeListFile(folder), JSON.stringify({ commands }), { mode: 0o600 });
  }
}

/** The node's service answers, or answers no more. */
export async function setService(folder: string, answers: boolean): Promise<void> {
  await (answers ? writeFile(serviceFile(folder), '') : rm(serviceFile(folder)));
}
