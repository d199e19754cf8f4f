// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import type { RolloutMessage } from '../api/schemas';
import { numberWords } from '../display/counts';
import { Icon } from '../display/icon';
import { NodesThereBar } from '../display/nodes-there-bar';
import { StateMark } from '../display/state-mark';
import { rolloutWord } from '../display/tones';
import { Ago } from '../time/ago';
import { waitingOf } from './waiting';

/** A rollout in a few lines: how far it is, and what or whom it waits for. */
export function RolloutCard({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const { id = '', cluster, toSeq = 0, status, startedAt, nodeCount = 0, nodesThere = 0 } = rollout;
  const waiting = waitingOf(rollout);
  return (
    <li className="rollout-card">
      <div className="rollout-card-head">
        <Link to={`/rollouts/${id}`}>
          {cluster} to {toSeq}
        </Link>
        <StateMark state={rolloutWord(status)} />
        <span className="dim rollout-card-started">
          <Ago at={startedAt} />
        </span>
      </div>
      <NodesThereBar of={nodeCount} there={nodesThere} />
      <p className="rollout-card-words">
        {numberWords(nodesThere)} of {numberWords(nodeCount)} there
        {waiting !== undefined && (
          <span className={`rollout-card-waiting tone-${waiting.tone}`}>
            <Icon name={waiting.icon} size={13} /> {waiting.words}
            {waiting.until !== undefined && (
              <>
                {' '}
                (<Ago at={waiting.until} />)
              </>
            )}
          </span>
        )}
      </p>
    </li>
  );
}
