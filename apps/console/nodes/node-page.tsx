// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link, useParams } from 'react-router';
import type { NodeMessage } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import { nodeWord } from '../display/tones';
import { Ago } from '../time/ago';
import { KernelStack } from './kernel-stack';
import { LastTransition } from './last-transition';
import { useNode } from './node';
import { NodeActions } from './node-actions';
import { NodeNotes } from './node-notes';
import './nodes.css';

function Summary({ node: { report, cluster = '', connected } }: { readonly node: NodeMessage }): ReactElement {
  const { status, position = 0, target = 0 } = report ?? {};
  return (
    <>
      <StateMark state={nodeWord(status)} />
      <span>
        <Link to={`/nodes?${new URLSearchParams({ cluster })}`}>{cluster}</Link>
      </span>
      <span>{target > position ? `position ${position}, on its way to ${target}` : `position ${position}`}</span>
      <span>{connected === true ? 'connected' : 'away'}</span>
    </>
  );
}

function Facts({ node }: { readonly node: NodeMessage }): ReactElement {
  const { labels = {}, reportedLabels = {}, report } = node;
  return (
    <Panel title="About it">
      <dl className="facts">
        <dt>Kernel</dt>
        <dd>
          {node.kernelRelease} <code className="dim">{node.kernelBuildId}</code>
        </dd>
        <dt>Livepatch core</dt>
        <dd>{node.patchedCore === true ? 'patched: it refuses conflicts itself' : 'stock'}</dd>
        <dt>Agent</dt>
        <dd>{node.agentVersion}</dd>
        <dt>Heard</dt>
        <dd>
          <Ago at={node.lastSeenAt} />
        </dd>
        <dt>Boot</dt>
        <dd>
          <code>{report?.bootId ?? 'not told'}</code>
        </dd>
        <dt>Log it knows</dt>
        <dd>
          up to {report?.headSeq ?? 0} <code className="dim">{(report?.headHash ?? '').slice(0, 16)}</code>
        </dd>
        <dt>Labels</dt>
        <dd>
          {Object.entries(labels).map(([key, value]) => (
            <span key={key} className="tag" title={key in reportedLabels ? 'told by its agent' : 'set by operators'}>
              {key}={value}
            </span>
          ))}
          {Object.keys(labels).length === 0 && 'none'}
        </dd>
      </dl>
    </Panel>
  );
}

export function NodePage(): ReactElement {
  const { name = '' } = useParams();
  const query = useNode(name);
  const node = query.data;
  return (
    <>
      <PageHead
        title={name}
        within={{ title: 'Nodes', to: '/nodes' }}
        summary={node !== undefined && <Summary node={node} />}
        actions={node !== undefined && <NodeActions node={node} />}
      />
      <Awaited query={query}>
        {(known) => (
          <div className="stacked">
            <NodeNotes node={known} />
            <div className="panels panels-two">
              <div className="stacked">
                <KernelStack node={known} />
                <LastTransition report={known.report} />
              </div>
              <Facts node={known} />
            </div>
          </div>
        )}
      </Awaited>
    </>
  );
}
