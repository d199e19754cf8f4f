// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api, doneBy } from '../api/client';
import type { RolloutMessage, Schemas } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { Panel } from '../display/panel';
import { ReasonDialog } from '../display/reason-dialog';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { Ago } from '../time/ago';
import { useNowMs } from '../time/now';
import { whyNotWord, type WordKind } from './orders';
import { PlanShown } from './plan-shown';

type Review = Schemas['ReviewRolloutResponse'];
type PlanChanges = Schemas['PlanChanges'];

const counts: StateWord = { tone: 'good', icon: 'check', word: 'counts' };
const ofOtherPlan: StateWord = { tone: 'warn', icon: 'fork', word: 'was for another plan' };
const expired: StateWord = { tone: 'warn', icon: 'clock', word: 'has expired' };

function Changes({
  title,
  of: { changes = [], more = 0 },
}: {
  readonly title: ReactElement;
  readonly of: PlanChanges;
}) {
  return (
    <div>
      <p>
        {title}
        {changes.length === 0 && ': nothing is otherwise.'}
      </p>
      <ul className="plan-steps">
        {changes.map((change) => (
          <li key={change}>{change}</li>
        ))}
        {more > 0 && <li>and {countWords(more, 'more', 'more')}</li>}
      </ul>
    </div>
  );
}

/** What is about to be done, after what is otherwise than it was. */
function ReviewShown({ review }: { readonly review: Review }): ReactElement {
  const { sinceApproved, sinceLast } = review;
  return (
    <PlanShown shown={review}>
      {sinceApproved !== undefined && (
        <Changes
          of={sinceApproved}
          title={
            <strong>
              Since the plan that was approved <Ago at={sinceApproved.at} />
            </strong>
          }
        />
      )}
      {sinceLast === undefined ? (
        <p>It is the first rollout of this load order.</p>
      ) : (
        <Changes
          of={sinceLast}
          title={
            <strong>
              Since <Link to={`/rollouts/${sinceLast.rollout ?? ''}`}>the last rollout that succeeded</Link>
            </strong>
          }
        />
      )}
    </PlanShown>
  );
}

function Given({ all }: { readonly all: readonly Schemas['RolloutApproval'][] }): ReactElement {
  const nowMs = useNowMs();
  return (
    <ul className="said">
      {all.map(({ by, givenAt, expiresAt, ofThisPlan }) => (
        <li key={by}>
          <strong>{by}</strong> <Ago at={givenAt} />{' '}
          <StateMark
            state={ofThisPlan !== true ? ofOtherPlan : Date.parse(expiresAt ?? '') <= nowMs ? expired : counts}
          />
          {ofThisPlan === true && (
            <span className="dim">
              {' '}
              until <Ago at={expiresAt} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

interface WordShown {
  readonly label: string;
  readonly outcome: string;
}

const words: Readonly<Record<WordKind, WordShown>> = {
  approve: {
    label: 'Approve',
    outcome: 'Your word is given to exactly the plan that is shown. A change of it takes that away.',
  },
  reject: { label: 'Reject', outcome: 'It ends, and nothing of it is done.' },
};

function give(kind: WordKind, id: string, planHash: string, reason: string): Promise<void> {
  const params = { path: { id } };
  return kind === 'approve'
    ? doneBy(api.POST('/v1/rollouts/{id}/approve', { params, body: { planHash, reason } }))
    : doneBy(api.POST('/v1/rollouts/{id}/reject', { params, body: { reason } }));
}

/** Approves what the review shows: the buttons stand beside it, and mean its hash. */
function WordButtons({ rollout, review }: { readonly rollout: RolloutMessage; readonly review: Review | undefined }) {
  const session = useSession();
  const client = useQueryClient();
  const nowMs = useNowMs();
  const [asking, setAsking] = useState<{ readonly kind: WordKind; readonly planHash: string }>();
  const { id = '', cluster, toSeq = 0 } = rollout;
  const planHash = review?.rollout?.approvals?.planHash;
  const forbidden = whyNot(session, 'approve', cluster);
  const unread = planHash === undefined ? 'What it would do is not shown yet.' : undefined;
  return (
    <>
      {(['approve', 'reject'] as const).map((kind) => (
        <ActionButton
          key={kind}
          label={words[kind].label}
          icon={kind === 'approve' ? 'check' : 'cross'}
          whyNot={forbidden ?? whyNotWord(kind, rollout, session, nowMs) ?? unread}
          onClick={() => {
            setAsking({ kind, planHash: planHash ?? '' });
          }}
        />
      ))}
      {asking !== undefined && (
        <ReasonDialog
          title={`${words[asking.kind].label}: ${cluster ?? ''} to ${toSeq}`}
          confirm={words[asking.kind].label}
          isDangerous={asking.kind === 'reject'}
          needsReason={asking.kind === 'reject'}
          act={async (reason) => {
            await give(asking.kind, id, asking.planHash, reason);
            await client.invalidateQueries({ queryKey: ['rollouts'] });
          }}
          onClose={() => {
            setAsking(undefined);
          }}
        >
          {words[asking.kind].outcome}
        </ReasonDialog>
      )}
    </>
  );
}

/** Of a rollout that waits for people: what it is about to do, what is otherwise than it was, and whose word there is. */
export function ApprovalsPanel({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { id = '', approvals, status } = rollout;
  const isAwaited =
    approvals?.begun !== true && (status === 'ROLLOUT_STATUS_RUNNING' || status === 'ROLLOUT_STATUS_PAUSED');
  const review = useQuery({
    queryKey: ['rollouts', id, 'review', approvals?.planHash],
    queryFn: ({ signal }) => answerOf(api.GET('/v1/rollouts/{id}/review', { signal, params: { path: { id } } })),
    enabled: approvals !== undefined && isAwaited,
  });
  if (approvals === undefined) return null;
  const { needed = 0, given = 0, author, approvers = [], all = [] } = approvals;
  return (
    <Panel title="Approvals" aside={isAwaited && <WordButtons rollout={rollout} review={review.data} />}>
      <div className="stacked">
        <p>
          <strong>
            {given} of {needed}
          </strong>
          {approvers.length > 0 && ` of ${approvers.join(', ')}`}, never of {author}, who asked for it.
        </p>
        <Given all={all} />
        {isAwaited && <Awaited query={review}>{(known) => <ReviewShown review={known} />}</Awaited>}
      </div>
    </Panel>
  );
}
