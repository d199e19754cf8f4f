// SPDX-License-Identifier: GPL-2.0-only
// The fleet's agents: the product's own, with kernels that are folders, in one process instead of hundreds.
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { mapAtOnce } from '@lockstep/io/kernel-builder';
import { lockstepVersion } from '@lockstep/platform/runtime';
import { createLog, NodeAgent } from '@lockstep/services/node-agent';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import type { AgentsState, StartAgents } from './agents-messages';
import { probeListFile } from './probe-list';

/** As many enrol at once: a provisioning tool's pace. */
const enrolAtOnce = 4;
/** Hundreds of them share a processor or two. */
const lookEveryMs = 10_000;

/** Until the process ends: one that nobody holds would lose the lock on its folder. */
const agents: NodeAgent[] = [];

const tell = (state: AgentsState): void => {
  process.send?.(state);
};

const fail = (error: unknown): void => {
  tell({ started: agents.length, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
};

async function startAgents({ server, joinToken, nodes }: StartAgents): Promise<void> {
  let started = 0;
  await mapAtOnce(nodes, enrolAtOnce, async ({ name, folder }) => {
    const logFile = path.join(folder, 'agent.log');
    const agent = new NodeAgent({
      stateDir: path.join(folder, 'state'),
      kernel: new DirectoryKernel(path.join(folder, 'kernel')),
      enrolment: { server, joinToken, machine: name },
      agentVersion: lockstepVersion,
      log: createLog((line) => {
        appendFileSync(logFile, line);
      }),
      lookEveryMs,
      holdFile: path.join(folder, 'hold'),
      probeCommandsFile: probeListFile(folder),
      onFatal: fail,
    });
    agents.push(agent);
    await agent.start();
    started += 1;
    tell({ started });
  });
}

process.once('message', (order: StartAgents) => {
  startAgents(order).catch(fail);
});
// Whoever tells the story has gone.
process.on('disconnect', () => process.exit(0));
