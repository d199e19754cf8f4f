// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link, useParams } from 'react-router';
import { Awaited } from '../display/awaited';
import { countWords, numberWords } from '../display/counts';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { NodesThereBar } from '../display/nodes-there-bar';
import { StateMark } from '../display/state-mark';
import { Ago } from '../time/ago';
import { campaignWord, hasEnded, memberWord, useCampaign, type CampaignMember, type CampaignMessage } from './campaign';
import { CampaignOrders } from './campaign-orders';
import { RollBackCampaign } from './roll-back-campaign';
import './campaigns.css';

function Summary({ campaign }: { readonly campaign: CampaignMessage }): ReactElement {
  const { status, author, startedAt, endedAt, members = [] } = campaign;
  return (
    <>
      <StateMark state={campaignWord(status)} />
      <span>{countWords(members.length, 'load order')}</span>
      <span>
        by {author}, started <Ago at={startedAt} />
      </span>
      {hasEnded(campaign) && (
        <span>
          ended <Ago at={endedAt} />
        </span>
      )}
    </>
  );
}

/** Where a member's work is to be seen: its rollout, its entry, its build. */
function Places({ member, patch }: { readonly member: CampaignMember; readonly patch: string }): ReactElement {
  const { cluster = '', kernelBuildId = '', buildId, seq, rolloutId } = member;
  const order = new URLSearchParams({ cluster, kernel: kernelBuildId });
  return (
    <p className="member-places">
      {buildId !== undefined && <Link to={`/patches/${encodeURIComponent(patch)}?log=${buildId}`}>build</Link>}
      {seq !== undefined && <Link to={`/load-order?${order}`}>entry {seq}</Link>}
      {rolloutId !== undefined && <Link to={`/rollouts/${rolloutId}`}>rollout</Link>}
    </p>
  );
}

function Member({ member, patch }: { readonly member: CampaignMember; readonly patch: string }): ReactElement {
  const { cluster = '', kernelBuildId = '', state, nodeCount = 0, nodesThere = 0, message, approvals } = member;
  const word = memberWord(state);
  return (
    <li className={`member tone-${word.tone}`}>
      <div className="member-head">
        <h3>
          <Link to={`/nodes?${new URLSearchParams({ cluster })}`}>{cluster}</Link>
        </h3>
        <StateMark state={word} />
        <code className="dim" title={`Kernel build ${kernelBuildId}`}>
          {kernelBuildId.slice(0, 12)}
        </code>
      </div>
      <NodesThereBar of={nodeCount} there={nodesThere} />
      <p className="member-counts">
        {numberWords(nodesThere)} of {numberWords(nodeCount)} there
        {approvals !== undefined && ` · ${approvals.given ?? 0} of ${approvals.needed ?? 0} approvals`}
      </p>
      {message !== undefined && <p className="member-message">{message}</p>}
      <Places member={member} patch={patch} />
    </li>
  );
}

function Said({ campaign: { orders = [] } }: { readonly campaign: CampaignMessage }): ReactElement | null {
  if (orders.length === 0) return null;
  return (
    <Panel title="What was said">
      <ul className="said">
        {orders.map(({ kind, reason, givenAt, givenBy, despite = [] }, index) => (
          <li key={index}>
            <strong>{kind}</strong> <Ago at={givenAt} /> by {givenBy}
            {reason !== undefined && <>: {reason}</>}
            {despite.length > 0 && <span className="dim"> despite {despite.join(', ')}</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** One patch for several load orders: how far each of them is, what it waits for, and whom. */
export function CampaignPage(): ReactElement {
  const { id = '' } = useParams();
  const { query, live } = useCampaign(id);
  const campaign = query.data;
  const patch = campaign?.patchName ?? '';
  return (
    <>
      <PageHead
        title={campaign === undefined ? 'Campaign' : patch}
        within={{ title: 'Campaigns', to: '/campaigns' }}
        summary={campaign !== undefined && <Summary campaign={campaign} />}
        actions={
          campaign !== undefined && (
            <>
              <CampaignOrders campaign={campaign} />
              <RollBackCampaign campaign={campaign} />
            </>
          )
        }
      />
      <Awaited query={query}>
        {(known) => (
          <div className="stacked">
            <Panel
              title="Members"
              aside={
                <>
                  {countWords(known.membersAtOnce ?? 0, 'member')} at once
                  {known.goesOnAfterHalt === true && ', one that halts holds nobody'}
                  {live === 'waiting' && ' · not live: the connection is lost and tried again'}
                </>
              }
            >
              <ol className="members">
                {(known.members ?? []).map((member) => (
                  <Member key={`${member.cluster ?? ''} ${member.kernelBuildId ?? ''}`} member={member} patch={patch} />
                ))}
              </ol>
            </Panel>
            <Said campaign={known} />
          </div>
        )}
      </Awaited>
    </>
  );
}
