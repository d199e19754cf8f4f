// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link, useParams } from 'react-router';
import type { LiveState } from '../api/live-events';
import type { RolloutMessage } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { numberWords } from '../display/counts';
import { Icon } from '../display/icon';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import { Tabs } from '../display/tabs';
import { rolloutWord } from '../display/tones';
import { useUrlState } from '../display/url-state';
import { Ago } from '../time/ago';
import { ApprovalsPanel } from './approvals-panel';
import { ChecksPanel } from './checks-panel';
import { EmergencyNote } from './emergency-note';
import { HaltNote } from './halt-note';
import { OrderButtons } from './order-buttons';
import { ProgressTable } from './progress-table';
import { hasEnded, isInTheWay, useRollout } from './rollout';
import { waitingOf } from './waiting';
import { WaveLadder } from './wave-ladder';
import './rollouts.css';

const liveWords: Readonly<Record<LiveState, string>> = {
  connecting: 'connecting',
  live: 'live',
  waiting: 'not live: the connection is lost and tried again',
  ended: 'ended',
};

function Summary({ rollout, live }: { readonly rollout: RolloutMessage; readonly live: LiveState }): ReactElement {
  const { status, startedAt, endedAt, nodesThere = 0, nodeCount = 0 } = rollout;
  return (
    <>
      <StateMark state={rolloutWord(status)} />
      <span>
        {numberWords(nodesThere)} of {numberWords(nodeCount)} nodes there
      </span>
      <span>
        started <Ago at={startedAt} />
      </span>
      {rollout.rollsBack !== undefined && (
        <span>
          rolls back <Link to={`/rollouts/${rollout.rollsBack}`}>{rollout.rollsBack.slice(0, 8)}</Link>
        </span>
      )}
      {rollout.campaignId !== undefined && (
        <span>
          of a <Link to={`/campaigns/${rollout.campaignId}`}>campaign</Link>
        </span>
      )}
      {status === 'ROLLOUT_STATUS_HALTED' && (
        <span>
          halted <Ago at={endedAt} />
        </span>
      )}
      {hasEnded(rollout) && (
        <span>
          ended <Ago at={endedAt} />
        </span>
      )}
      {!hasEnded(rollout) && status !== 'ROLLOUT_STATUS_HALTED' && (
        <span className={live === 'live' ? 'live is-live' : 'live'}>{liveWords[live]}</span>
      )}
    </>
  );
}

function Waiting({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const waiting = waitingOf(rollout);
  if (waiting === undefined || rollout.status === 'ROLLOUT_STATUS_HALTED') return null;
  return (
    <p className={`rollout-waiting tone-${waiting.tone}`} role="status">
      <Icon name={waiting.icon} size={15} /> {waiting.words}
      {waiting.until !== undefined && (
        <>
          {' '}
          At the latest <Ago at={waiting.until} />.
        </>
      )}
    </p>
  );
}

function Said({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { orders = [], caveats = [] } = rollout;
  if (orders.length + caveats.length === 0) return null;
  return (
    <Panel title="What was said">
      <ul className="said">
        {orders.map(({ kind, reason, givenAt, givenBy }, index) => (
          <li key={index}>
            <strong>{kind}</strong> <Ago at={givenAt} />
            {givenBy !== undefined && <> by {givenBy}</>}
            {reason !== undefined && <>: {reason}</>}
          </li>
        ))}
        {caveats.map(({ seq, patchName, caveat }) => (
          <li key={`${seq ?? 0}-${caveat?.kind ?? ''}`}>
            <strong>
              {patchName} ({seq})
            </strong>{' '}
            {caveat?.message} <code className="dim">{caveat?.kind}</code>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Nodes({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const { values, set } = useUrlState(['show']);
  const nodes = rollout.nodes ?? [];
  const notYet = nodes.filter((node) => node.notYet !== undefined);
  const views = {
    waiting: { name: `Not there yet ${numberWords(notYet.length)}`, nodes: notYet },
    stuck: { name: `In the way ${numberWords(nodes.filter(isInTheWay).length)}`, nodes: nodes.filter(isInTheWay) },
    all: { name: `All ${numberWords(nodes.length)}`, nodes },
  };
  type View = keyof typeof views;
  const isView = (text: string): text is View => Object.hasOwn(views, text);
  const view = isView(values.show) ? values.show : notYet.length > 0 ? 'waiting' : 'all';
  return (
    <Panel
      title="Nodes"
      flush
      aside={
        <Tabs
          label="Nodes to show"
          choices={Object.entries(views).map(([id, { name }]) => ({ id: id as View, name }))}
          chosen={view}
          onChoose={(show) => {
            set({ show });
          }}
        />
      }
    >
      <ProgressTable nodes={views[view].nodes} />
    </Panel>
  );
}

export function RolloutPage(): ReactElement {
  const { id = '' } = useParams();
  const { query, live } = useRollout(id);
  const rollout = query.data;
  const title = rollout === undefined ? 'Rollout' : `${rollout.cluster ?? ''} to ${rollout.toSeq ?? 0}`;
  return (
    <>
      <PageHead
        title={title}
        within={{ title: 'Rollouts', to: '/rollouts' }}
        summary={rollout !== undefined && <Summary rollout={rollout} live={live} />}
        actions={rollout !== undefined && <OrderButtons rollout={rollout} />}
      />
      <Awaited query={query}>
        {(known) => (
          <div className="stacked">
            <EmergencyNote rollout={known} />
            <HaltNote rollout={known} />
            <Waiting rollout={known} />
            <ApprovalsPanel rollout={known} />
            <div className="rollout-panels">
              <div className="stacked">
                <Panel
                  title="Waves"
                  aside={
                    <Link
                      to={`/load-order?${new URLSearchParams({ cluster: known.cluster ?? '', kernel: known.kernelBuildId ?? '', at: String(known.toSeq ?? 0) })}`}
                    >
                      What position {known.toSeq} runs
                    </Link>
                  }
                >
                  <WaveLadder rollout={known} />
                </Panel>
                <ChecksPanel rollout={known} />
                <Said rollout={known} />
              </div>
              <Nodes rollout={known} />
            </div>
          </div>
        )}
      </Awaited>
    </>
  );
}
