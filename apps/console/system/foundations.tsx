// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { Schemas } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { byteWords } from '../display/bytes';
import { countWords, numberWords } from '../display/counts';
import { Icon, type IconName } from '../display/icon';
import { Meter } from '../display/meter';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import { Ago } from '../time/ago';

interface SystemShown {
  readonly system: Schemas['GetSystemResponse'];
}

const answers: StateWord = { tone: 'good', icon: 'check', word: 'answers' };
const silent: StateWord = { tone: 'bad', icon: 'cross', word: 'does not answer' };
const nobody: StateWord = { tone: 'warn', icon: 'warning', word: 'nobody works' };

const milliseconds = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const tookWords = (us = 0): string => `${milliseconds.format(us / 1_000)} ms`;

interface CardProps {
  readonly title: string;
  readonly icon: IconName;
  readonly state: StateWord;
  readonly children: ReactNode;
}

function Card({ title, icon, state, children }: CardProps): ReactElement {
  return (
    <section className="foundation">
      <header>
        <Icon name={icon} />
        <h3>{title}</h3>
        <StateMark state={state} />
      </header>
      <div className="foundation-body">{children}</div>
    </section>
  );
}

function Replicas({ system }: SystemShown): ReactElement {
  const { replicas = [], version, nodeVersion, startedAt, agentStreams = 0 } = system;
  return (
    <Card title="Control planes" icon="system" state={{ ...answers, word: `${numberWords(replicas.length)} alive` }}>
      <ul className="replicas">
        {replicas.map(({ id = '', answers: isThisOne, leads }) => (
          <li key={id}>
            <code>{id.slice(0, 8)}</code>
            {isThisOne === true && <span className="tag">answers you</span>}
            {leads === true && <span className="tag">leads</span>}
          </li>
        ))}
      </ul>
      <p className="dim">
        Lockstep {version} on Node.js {nodeVersion}, started <Ago at={startedAt} />; holds{' '}
        {countWords(agentStreams, 'agent’s stream', 'agents’ streams')}.
      </p>
    </Card>
  );
}

function Database({ system: { database = {} } }: SystemShown): ReactElement {
  const { version, sizeBytes = 0, connections = 0, mostConnections = 0, answerUs } = database;
  return (
    <Card
      title={`PostgreSQL ${version ?? ''}`}
      icon="layers"
      state={{ ...answers, word: `answers in ${tookWords(answerUs)}` }}
    >
      <Meter
        label="Connections"
        used={connections}
        of={mostConnections}
        words={`${numberWords(connections)} of ${numberWords(mostConnections)}`}
      />
      <p className="dim">This database is {byteWords(sizeBytes)}.</p>
    </Card>
  );
}

function Queue({ system: { queue = {} } }: SystemShown): ReactElement {
  const { kind, waiting = 0, active = 0, workers = [], answerUs, problem } = queue;
  const state =
    problem !== undefined
      ? silent
      : workers.length === 0
        ? nobody
        : { ...answers, word: `answers in ${tookWords(answerUs)}` };
  return (
    <Card title={`Queue on ${kind === 'redis' ? 'Redis' : 'PostgreSQL'}`} icon="rollouts" state={state}>
      {problem ?? (
        <>
          <p>
            <strong>{numberWords(waiting)}</strong> waiting, <strong>{numberWords(active)}</strong> at work,{' '}
            {countWords(workers.length, 'build worker')} connected
            {workers.length === 0 && ': what is submitted waits until one is started'}.
          </p>
          <ul className="replicas">
            {workers.map((name) => (
              <li key={name}>
                <code>{name}</code>
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}

function Store({ system: { store = {} } }: SystemShown): ReactElement {
  const { kind, files = 0, bytes = 0, mostBytes = 0, diskBytes = 0, availableBytes = 0, problem } = store;
  return (
    <Card
      title={kind === 's3' ? 'Artifact store on S3' : 'Artifact store'}
      icon="patches"
      state={problem === undefined ? answers : silent}
    >
      {problem ?? (
        <>
          {mostBytes > 0 && (
            <Meter
              label="Of its limit"
              used={bytes}
              of={mostBytes}
              words={`${byteWords(bytes)} of ${byteWords(mostBytes)}`}
            />
          )}
          {diskBytes > 0 && (
            <Meter
              label="Of its disk"
              used={diskBytes - availableBytes}
              of={diskBytes}
              words={`${byteWords(availableBytes)} free of ${byteWords(diskBytes)}`}
            />
          )}
          <p className="dim">{countWords(files, 'file')}: modules, and copies of kernel builds.</p>
        </>
      )}
    </Card>
  );
}

const limitWords: Readonly<Record<string, string>> = {
  connections: 'connections from one address',
  handshakes: 'TLS handshakes at once',
  'silent-connections': 'connections that say nothing',
  'connections-of-node': 'connections of one node',
  'downloads-of-node': 'downloads of one node',
  'calls-of-node': 'calls of one node',
  'reports-of-node': 'reports of one node',
  enrolments: 'tries to enrol',
};

function Limits({ system: { limits = [] } }: SystemShown): ReactElement | null {
  if (limits.length === 0) return null;
  return (
    <div className="note tone-warn">
      <Icon name="warning" />
      <div>
        <strong>Somebody asks for more than they are given.</strong> Since this control plane was started it held up or
        refused{' '}
        {limits
          .map(({ name = '', times = 0 }) => `${limitWords[name] ?? name} ${countWords(times, 'time')}`)
          .join(', ')}
        . Its log names who.
      </div>
    </div>
  );
}

/** What Lockstep stands on, as the control plane that answers sees it now. */
export function Foundations(): ReactElement {
  const query = useQuery({
    queryKey: ['system'],
    queryFn: ({ signal }) => answerOf(api.GET('/v1/system', { signal })),
    refetchInterval: refreshMs,
  });
  return (
    <Panel title="What it stands on">
      <Awaited query={query}>
        {(system) => (
          <div className="stacked">
            <Limits system={system} />
            <div className="foundations">
              <Replicas system={system} />
              <Database system={system} />
              <Queue system={system} />
              <Store system={system} />
            </div>
          </div>
        )}
      </Awaited>
    </Panel>
  );
}
