// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import type { LivepatchKernel } from '@lockstep/io/livepatch-sysfs';
import { installLastResort, lockstepVersion } from '@lockstep/platform/runtime';
import { startTracing } from '@lockstep/platform/tracing';
import {
  createLog,
  LoaderService,
  NetworkService,
  NodeAgent,
  sayShutdown,
  type EndReason,
  type Log,
} from '@lockstep/services/node-agent';
import { readBuildPolicy } from './build-policy';
import { readConfig, usage, type AgentConfig } from './config';
import { loaderUsage, readLoaderConfig, type LoaderConfig } from './loader-config';
import { isMachineStopping } from './shutdown';

const fail = (error: unknown): void => {
  process.stderr.write(visibleText(`error: ${error instanceof Error ? error.message : String(error)}\n`));
  process.exit(1);
};

/** What the process is for, until it is told to end. */
interface Service {
  start(): Promise<void>;
  stop(why: EndReason): Promise<void>;
}

const agentVersion = lockstepVersion;

/** Both halves, or the one with the network where the other is a process of its own. */
async function agentOf({ loaderSocket, ...config }: AgentConfig, kernel: LivepatchKernel, log: Log): Promise<Service> {
  const common = { ...config, ...(await readBuildPolicy(config)), agentVersion, log, onFatal: fail };
  return loaderSocket === undefined
    ? new NodeAgent({ ...common, kernel })
    : new NetworkService({ ...common, loaderSocket });
}

async function loaderOf(config: LoaderConfig, kernel: LivepatchKernel, log: Log): Promise<Service> {
  return new LoaderService({ ...config, ...(await readBuildPolicy(config)), kernel, log, onFatal: fail });
}

async function serve(make: (log: Log) => Promise<Service>): Promise<void> {
  const log = createLog((line) => process.stderr.write(line));
  installLastResort((message, error) => {
    log('error', message, { error: error instanceof Error ? error.stack : String(error) });
  });
  const endTracing = await startTracing('lockstep-agent', process.env);
  const service = await make(log);
  const end = (): void => process.exit(0);
  let isStopping = false;
  const stopFor = (reason: Promise<EndReason>): void => {
    isStopping = true;
    reason
      .then((why) => service.stop(why))
      .then(endTracing)
      .then(end, fail);
  };
  process.once('SIGINT', () => {
    stopFor(Promise.resolve('agent-stops'));
  });
  process.once('SIGTERM', () => {
    stopFor(isMachineStopping().then((stops) => (stops ? 'machine-stops' : 'agent-stops')));
  });
  await service.start().catch((error: unknown) => {
    if (!isStopping) throw error;
  });
}

async function run(kernel: LivepatchKernel): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  if (command === 'loader') {
    const config = readLoaderConfig(rest, process.env);
    if (config !== 'help') return serve((log) => loaderOf(config, kernel, log));
    process.stdout.write(loaderUsage);
    return;
  }
  const saysShutdown = command === 'shutdown';
  const config = readConfig(saysShutdown ? rest : process.argv.slice(2), process.env);
  if (config === 'help') {
    process.stdout.write(usage);
    return;
  }
  if (saysShutdown) return sayShutdown({ ...config, kernel });
  return serve((log) => agentOf(config, kernel, log));
}

/** The agent as a process, from its command line to its end, on `kernel`. */
export function runAgent(kernel: LivepatchKernel): void {
  run(kernel).catch(fail);
}
