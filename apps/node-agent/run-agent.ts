// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import type { LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { installLastResort, lockstepVersion } from '@lockstep/platform/runtime';
import { startTracing } from '@lockstep/platform/tracing';
import { createLog, NodeAgent, sayShutdown } from '@lockstep/services/node-agent';
import { readBuildPolicy } from './build-policy';
import { readConfig, usage } from './config';
import { isMachineStopping } from './shutdown';

const fail = (error: unknown): void => {
  process.stderr.write(visibleText(`error: ${error instanceof Error ? error.message : String(error)}\n`));
  process.exit(1);
};

async function run(kernel: LivepatchKernel): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  const saysShutdown = command === 'shutdown';
  const config = readConfig(saysShutdown ? rest : process.argv.slice(2), process.env);
  if (config === 'help') {
    process.stdout.write(usage);
    return;
  }
  if (saysShutdown) return sayShutdown({ ...config, kernel });
  const log = createLog((line) => process.stderr.write(line));
  installLastResort((message, error) => {
    log('error', message, { error: error instanceof Error ? error.stack : String(error) });
  });
  const endTracing = await startTracing('lockstep-agent', process.env);
  const buildPolicy = await readBuildPolicy(config);
  const agent = new NodeAgent({ ...config, ...buildPolicy, kernel, agentVersion: lockstepVersion, log, onFatal: fail });
  const end = (): void => process.exit(0);
  let isStopping = false;
  const stopFor = (reason: Promise<'agent-stops' | 'machine-stops'>): void => {
    isStopping = true;
    reason
      .then((why) => agent.stop(why))
      .then(endTracing)
      .then(end, fail);
  };
  process.once('SIGINT', () => {
    stopFor(Promise.resolve('agent-stops'));
  });
  process.once('SIGTERM', () => {
    stopFor(isMachineStopping().then((stops) => (stops ? 'machine-stops' : 'agent-stops')));
  });
  await agent.start().catch((error: unknown) => {
    if (!isStopping) throw error;
  });
}

/** The agent as a process, from its command line to its end, on `kernel`. */
export function runAgent(kernel: LivepatchKernel): void {
  run(kernel).catch(fail);
}
