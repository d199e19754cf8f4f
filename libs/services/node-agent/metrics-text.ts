// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import { nodeStatusFromWire } from '@lockstep/contracts/wire';
import type { NodeStatus } from '@lockstep/domain/livepatch-model';

/** What an agent can say of itself; a state that is new does not compile until it stands here. */
const statuses = Object.keys({
  ...{ 'in-step': true, moving: true, failed: true, quarantined: true, diverged: true, forked: true },
  ...{ ahead: true, implausible: true },
} satisfies Record<NodeStatus, true>) as NodeStatus[];

export interface AgentFacts {
  readonly report: NodeReport;
  readonly isConnected: boolean;
  readonly agentVersion: string;
}

interface Family {
  readonly name: string;
  readonly help: string;
  /** By its labels as they are written; empty for none. */
  readonly samples: readonly (readonly [labels: string, value: number])[];
}

function families({ report, isConnected, agentVersion }: AgentFacts): Family[] {
  const { position, target, headSeq, stack, lastTransition, heardHead } = report;
  const status = nodeStatusFromWire(report.status);
  const one = (name: string, help: string, value: number): Family => ({ name, help, samples: [['', value]] });
  return [
    { name: 'info', help: 'Always 1: which version this is.', samples: [[`{version="${agentVersion}"}`, 1]] },
    one('connected', '1 while the agent speaks with the control plane.', isConnected ? 1 : 0),
    {
      ...{ name: 'status', help: 'How the node is: 1 for that, 0 for the others.' },
      samples: statuses.map((each) => [`{status="${each}"}`, each === status ? 1 : 0] as const),
    },
    one('position', 'The entry whose stack the kernel holds.', position),
    one('target', 'The entry that the node was told to move to.', target),
    one('log_head', 'The last entry that the node knows.', headSeq),
    one('livepatches', 'Livepatches that the kernel holds.', stack.length),
    ...(heardHead === undefined || heardHead.expiresAtMs === 0
      ? []
      : [
          one(
            'log_head_expires_timestamp_seconds',
            'Until when it is known that nothing of the load order is withheld from the node.',
            heardHead.expiresAtMs / 1e3,
          ),
        ]),
    ...(lastTransition === undefined
      ? []
      : [
          one('last_transition_seconds', 'How long the last transition took.', lastTransition.elapsedMs / 1e3),
          one('last_stop_window_seconds', 'How long all CPUs stood still for it.', lastTransition.windowLastNs / 1e9),
        ]),
  ];
}

/** One node in the form that Prometheus reads, for node_exporter's textfile collector. */
export function metricsText(facts: AgentFacts): string {
  const lines = families(facts).flatMap(({ name, help, samples }) => [
    `# HELP lockstep_agent_${name} ${help}`,
    `# TYPE lockstep_agent_${name} gauge`,
    ...samples.map(([labels, value]) => `lockstep_agent_${name}${labels} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}
