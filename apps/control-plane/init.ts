// SPDX-License-Identifier: GPL-2.0-only
import { createServiceLog } from '@lockstep/platform/service-log';
import { initialise, readControlPlaneConfig, type Initialised } from '@lockstep/services/control-plane';

/** A secret is shown to who sits there; in a container's log it would stay. */
const tokenLine = ({ adminToken, adminTokenFile }: Initialised, isTerminal: boolean): string =>
  isTerminal ? `${adminToken} (this once; kept in ${adminTokenFile})` : `in ${adminTokenFile}`;

/** What is said once, when it was made. */
export function initialisedText(made: Initialised, isTerminal: boolean): string {
  const { databaseId, caFile, caPinSha256, logKeySha256, keysDir } = made;
  return [
    'This control plane is set up.',
    '',
    `  database          ${databaseId}`,
    `  CA                ${caFile}`,
    `  its key           sha256 ${caPinSha256}`,
    `  load orders' key  sha256 ${logKeySha256}`,
    `  local admin       ${tokenLine(made, isTerminal)}`,
    '',
    `Back up ${keysDir} and the database together. Start it now: node dist/control-plane.js`,
    '',
  ].join('\n');
}

/** `init`: makes what a control plane needs before it can be started. @param args `--if-needed`: one that was set up is no error. */
export async function runInit(args: readonly string[]): Promise<void> {
  const isIfNeeded = args.length === 1 && args[0] === '--if-needed';
  if (args.length > 0 && !isIfNeeded) throw new Error('use: node dist/control-plane.js init [--if-needed]');
  try {
    const made = await initialise(readControlPlaneConfig(process.env), createServiceLog('control-plane'));
    process.stdout.write(initialisedText(made, process.stdout.isTTY));
  } catch (error) {
    if (!isIfNeeded || !(error instanceof Error) || !('reason' in error)) throw error;
    if (error.reason !== 'already-initialised') throw error;
    process.stdout.write('This control plane was set up before; nothing was changed.\n');
  }
}
