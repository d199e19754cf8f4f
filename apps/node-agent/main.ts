// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import { createLog, NodeAgent } from '@lockstep/services/node-agent';
import { readConfig, usage } from './config';
import { agentVersion } from './version';

const fail = (error: unknown): void => {
  process.stderr.write(visibleText(`error: ${error instanceof Error ? error.message : String(error)}\n`));
  process.exit(1);
};

async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env);
  if (config === 'help') return void process.stdout.write(usage);
  const log = createLog((line) => process.stderr.write(line));
  const agent = new NodeAgent({ ...config, agentVersion, log, onFatal: fail });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void agent.stop().then(() => process.exit(0)));
  }
  await agent.start();
}

main().catch(fail);
