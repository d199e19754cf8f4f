// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link, useParams } from 'react-router';
import type { NodeMessage, NodeReport } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import { nodeWord } from '../display/tones';
import { Ago } from '../time/ago';
import { CertificateWords } from './certificate-words';
import { KernelStack } from './kernel-stack';
import { LastTransition } from './last-transition';
import { useNode } from './node';
import { NodeActions } from './node-actions';
import { NodeHistory } from './node-history';
import { NodeNotes } from './node-notes';
import { ProbeResults } from './probe-results';
import { RecentWindows } from './recent-windows';
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

/** Until when it is sure that nothing of its load order is withheld from it. */
function HeardHead({ heard }: { readonly heard: NodeReport['heardHead'] }): ReactElement {
  if (heard === undefined) return <span className="dim">none heard yet</span>;
  const { seq = 0, issuedAtMs = 0, expiresAtMs = 0, expired, refused } = heard;
  return (
    <>
      {seq}, issued <Ago at={new Date(issuedAtMs).toISOString()} />, {expired === true ? 'expired' : 'expires'}{' '}
      <Ago at={new Date(expiresAtMs).toISOString()} />
      {refused !== undefined && <span className="tag">refused the last: {refused}</span>}
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
        <dt>Signed head</dt>
        <dd>
          <HeardHead heard={report?.heardHead} />
        </dd>
        <dt>Certificate</dt>
        <dd>
          <CertificateWords node={node} />{' '}
          <code className="dim" title="sha256 of its public key">
            {(node.certificateFingerprint ?? '').slice(0, 16)}
          </code>
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
                <ProbeResults report={known.report} />
                <LastTransition report={known.report} />
                <RecentWindows node={known} />
              </div>
              <div className="stacked">
                <Facts node={known} />
                <NodeHistory name={name} />
              </div>
            </div>
          </div>
        )}
      </Awaited>
    </>
  );
}
