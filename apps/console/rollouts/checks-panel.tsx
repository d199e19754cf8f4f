// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { RolloutMessage, Schemas } from '../api/schemas';
import { countWords, numberWords } from '../display/counts';
import { Icon } from '../display/icon';
import { Meter } from '../display/meter';
import { Panel } from '../display/panel';

/** By which nodes wait for a probe. */
const probeReasons: ReadonlySet<string | undefined> = new Set(['probing', 'probe-failed', 'unhealthy', 'unmeasured']);

function Probes({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { probes = [], nodes = [] } = rollout;
  if (probes.length === 0) return null;
  const held = nodes.filter(({ notYet }) => probeReasons.has(notYet?.reason));
  return (
    <section>
      <h3>Probes</h3>
      <p className="dim">Each has to pass on a node before its load, and after it until its wave has passed.</p>
      <ul className="checks">
        {probes.map((probe) => (
          <li key={probe}>
            <Icon name="eye" size={14} /> <code>{probe}</code>
          </li>
        ))}
      </ul>
      <p>{held.length === 0 ? 'They hold nobody now.' : `${countWords(held.length, 'node')} wait for one.`}</p>
    </section>
  );
}

function Gates({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { gates = [], waiting, halt } = rollout;
  if (gates.length === 0) return null;
  const isInconclusive = waiting?.reason === 'inconclusive';
  const said = halt?.reason === 'gate' ? halt.message : isInconclusive ? waiting.message : undefined;
  return (
    <section>
      <h3>Metric gates</h3>
      <p className="dim">Each has to keep to its bound while a wave proves itself, as Prometheus measures it.</p>
      <ul className="checks">
        {gates.map((gate) => (
          <li key={gate}>
            <Icon name="overview" size={14} /> <code>{gate}</code>
          </li>
        ))}
      </ul>
      {waiting?.reason === 'gates' && <p>They are measured now: the wave passes when each has been.</p>}
      {said !== undefined && <p className="tone-bad check-said">{said}</p>}
    </section>
  );
}

function Domains({ domains }: { readonly domains: readonly Schemas['DomainProgress'][] }): ReactElement | null {
  if (domains.length === 0) return null;
  return (
    <section>
      <h3>Failure domains</h3>
      <p className="dim">So many of each may be on their way or unwell at once.</p>
      <div className="checks">
        {domains.map(({ name = '', nodes = 0, atMost = 0, moving = 0, failures = 0 }) => (
          <Meter
            key={name}
            label={name}
            used={moving + failures}
            of={atMost}
            words={`${numberWords(moving + failures)} of ${numberWords(atMost)} · ${countWords(nodes, 'node')}`}
          />
        ))}
      </div>
    </section>
  );
}

/** What a rollout asks of nodes, metrics and failure domains before it goes on. */
export function ChecksPanel({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { probes = [], gates = [], domains = [], canarySelector } = rollout;
  if (probes.length + gates.length + domains.length === 0 && canarySelector === undefined) return null;
  return (
    <Panel title="What it asks">
      <div className="stacked checks-panel">
        {canarySelector !== undefined && (
          <p>
            Canaries are nodes with <code>{canarySelector}</code>, and nobody else takes their place.
          </p>
        )}
        <Probes rollout={rollout} />
        <Gates rollout={rollout} />
        <Domains domains={domains} />
      </div>
    </Panel>
  );
}
