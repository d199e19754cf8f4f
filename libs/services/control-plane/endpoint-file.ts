// SPDX-License-Identifier: GPL-2.0-only
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { isProcessAlive, writePrivateFile } from '@lockstep/platform/runtime';

/** How programs on the same machine find a running control plane; it holds the database's password. */
export interface Endpoint {
  readonly operatorAddress: string;
  readonly agentAddress: string;
  /** Where the HTTP API is; absent where it is off. */
  readonly httpAddress?: string | undefined;
  /** Where metrics and health are told; absent where that is off. */
  readonly monitoringAddress?: string | undefined;
  readonly databaseUrl: string;
  /** Where build workers take jobs, by a role that reaches nothing else; absent where somebody else has made that role. */
  readonly queueUrl: string | undefined;
  readonly pid: number;
}

const fileIn = (stateDir: string): string => path.join(stateDir, 'endpoint.json');

export async function writeEndpoint(stateDir: string, endpoint: Endpoint): Promise<void> {
  await writePrivateFile(fileIn(stateDir), `${JSON.stringify(endpoint, null, 2)}\n`);
}

export async function removeEndpoint(stateDir: string): Promise<void> {
  await rm(fileIn(stateDir), { force: true });
}

/** A killed control plane leaves its own behind; whoever waits for the next one must not find it. */
export async function removeStaleEndpoint(stateDir: string): Promise<void> {
  const text = await readFile(fileIn(stateDir), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const { pid } = JSON.parse(text) as Partial<Endpoint>;
  if (pid === undefined || pid === process.pid || !isProcessAlive(pid)) await removeEndpoint(stateDir);
}
