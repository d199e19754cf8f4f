// SPDX-License-Identifier: GPL-2.0-only
import { readableEntryVersions } from '@lockstep/domain/load-order';
import { noLabels, type Labels } from '@lockstep/domain/labels';
import { LockstepError, parseSeq } from '@lockstep/domain/livepatch-model';
import { probeResultToWire } from '@lockstep/contracts/wire';
import { defaultProbeCommandsFile } from '@lockstep/io/node-probes';
import { ControlLink } from './control-link';
import type { FollowingLoader, Loader, NetworkSide } from './loader';
import type { Log } from './logger';
import { MetricsFile } from './metrics-file';
import type { AgentFacts } from './metrics-text';
import { enrolNode, keepIdentity, readIdentity, type Enrolment, type NodeIdentity } from './node-identity';
import { NodeTraces } from './node-traces';
import { ProbeRunner } from './probe-runner';
import type { BuildPolicy } from './vouch';

export interface NetworkOptions {
  /** Key and identity; it exists, and nobody else uses it. */
  readonly stateDir: string;
  /** Needed until the node has enrolled once. */
  readonly enrolment?: Enrolment;
  /** Where the agent port is reached, when not where the control plane said at enrolment. */
  readonly agentAddress?: string;
  readonly agentVersion: string;
  readonly log: Log;
  /** What the machine says of itself, by which operators choose nodes. */
  readonly labels?: Labels;
  /** Where to write the node's numbers for node_exporter; nowhere if undefined. */
  readonly metricsFile?: string;
  /** What commands a rollout may have run here, by their names (default /etc/lockstep/probes.json). */
  readonly probeCommandsFile?: string;
  /** Whose keys must have signed that list; undefined: its owner alone vouches for it. */
  readonly buildPolicy?: BuildPolicy;
  /** How often to report without news, and to write the metrics file (default 15 s). */
  readonly heartbeatMs?: number;
  /** Remembers in which traces things were asked for. */
  readonly traces?: NodeTraces;
  /** Once aborted nothing is begun any more. */
  readonly signal: AbortSignal;
}

const defaultHeartbeatMs = 15_000;

/** Speaks with the control plane for the loader: key, certificate, session, downloads, metrics. It changes nothing in the kernel. */
export class NetworkHalf {
  private link: ControlLink | undefined;
  private metrics: MetricsFile | undefined;
  private probes: ProbeRunner | undefined;

  constructor(private readonly options: NetworkOptions) {}

  /**
   * Enrols if need be, then speaks for `loader` from now on.
   * @throws LockstepError when the node cannot enrol, its identity cannot be trusted, or the loader follows another log.
   */
  async start(loader: Loader): Promise<void> {
    const { signal, log } = this.options;
    insistBuildKeys(loader, this.options.buildPolicy);
    const identity = await this.identity();
    signal.throwIfAborted();
    const { node, cluster, logPublicKey, newestLogKey } = identity;
    const network: NetworkSide = {
      onReport: () => {
        this.probes?.noteView();
        this.link?.report();
      },
      onReconnect: () => {
        this.link?.restart();
      },
      fetch: (sha256, signal) => (offset) => this.insistLink().fetch(sha256, signal)(offset),
    };
    const following = await loader.follow({ cluster, logPublicKey, newestLogKey }, network);
    const { kernelBuild, release } = loader.running;
    log('info', 'agent started', { node, cluster, kernelBuild, release });
    const { bootId, patchedCore } = loader.running;
    const { agentVersion, labels = noLabels, heartbeatMs = defaultHeartbeatMs } = this.options;
    const probes = this.makeProbes(following);
    const link = new ControlLink({
      ...{ traces: this.options.traces ?? new NodeTraces(), identity, log, heartbeatMs, probes, loader: following },
      keepIdentity: (renewed) => keepIdentity(this.options.stateDir, renewed),
      makeHello: () => ({
        agentVersion,
        kernelBuildId: kernelBuild,
        kernelRelease: release,
        bootId,
        headSeq: following.report.headSeq,
        headHash: following.report.headHash,
        patchedCore,
        entryVersions: [...readableEntryVersions],
        labels: Object.fromEntries(labels),
      }),
      makeReport: () => ({ ...following.report, probes: probes.results.map(probeResultToWire) }),
    });
    this.probes = probes;
    this.link = link;
    link.start();
    this.tellMetrics(() => ({ report: following.report, isConnected: link.isConnected, agentVersion }));
  }

  async stop(): Promise<void> {
    this.probes?.stop();
    await Promise.all([this.link?.stop(), this.metrics?.stop()]);
  }

  private makeProbes(following: FollowingLoader): ProbeRunner {
    const { probeCommandsFile: file = defaultProbeCommandsFile, buildPolicy, log } = this.options;
    return new ProbeRunner({
      commands: { file, isSigned: buildPolicy?.isSigned },
      position: () => parseSeq(following.report.position),
      onNews: () => {
        this.link?.report();
      },
      log,
    });
  }

  private insistLink(): ControlLink {
    if (this.link !== undefined) return this.link;
    throw new LockstepError('unavailable', 'not-connected', 'The agent has not begun to speak with the control plane.');
  }

  private async identity(): Promise<NodeIdentity> {
    const { stateDir, enrolment, agentAddress, log, signal } = this.options;
    const known = await readIdentity(stateDir);
    if (known === undefined && enrolment === undefined) {
      throw new LockstepError(
        'invalid-input',
        'not-enrolled',
        'This node has not enrolled: give it LOCKSTEP_AGENT_SERVER and LOCKSTEP_AGENT_JOIN_TOKEN (lockstep node join).',
      );
    }
    const identity = known ?? (await enrolNode(stateDir, enrolment as Enrolment, log, signal));
    return agentAddress === undefined ? identity : { ...identity, agentAddress };
  }

  private tellMetrics(facts: () => AgentFacts): void {
    const { metricsFile: file, heartbeatMs: everyMs = defaultHeartbeatMs, log } = this.options;
    if (file === undefined) return;
    this.metrics = new MetricsFile({ file, facts, everyMs, log });
    this.metrics.start();
  }
}

/** Who gave build keys to this half alone believes that nothing is loaded without them. */
function insistBuildKeys({ needsBuildSignature }: Loader, policy: BuildPolicy | undefined): void {
  if (policy === undefined || needsBuildSignature) return;
  const message =
    'This agent was given build keys (LOCKSTEP_AGENT_BUILD_KEYS) and its loader none: give them to the loader, which decides what is loaded (LOCKSTEP_LOADER_BUILD_KEYS in /etc/lockstep/loader.env).';
  throw new LockstepError('refused', 'loader-without-build-keys', message);
}
