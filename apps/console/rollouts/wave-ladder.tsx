// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { RolloutMessage } from '../api/schemas';
import { numberWords } from '../display/counts';
import { Icon, type IconName } from '../display/icon';
import { ShareBar } from '../display/share-bar';
import type { Tone } from '../display/tones';
import { Ago } from '../time/ago';
import { hasEnded, waveName, wavesOf, type Wave } from './rollout';

interface Step {
  readonly icon: IconName;
  readonly tone: Tone;
}

function stepOf({ state, failures, allowedFailures }: Wave, isHeld: boolean): Step {
  if (state === 'passed') return { icon: 'check', tone: 'good' };
  if (state === 'next') return { icon: 'silent', tone: 'idle' };
  if (isHeld)
    return { icon: failures > allowedFailures ? 'halt' : 'pause', tone: failures > allowedFailures ? 'bad' : 'warn' };
  return { icon: 'moving', tone: 'busy' };
}

function StateWords({ wave, rollout }: { readonly wave: Wave; readonly rollout: RolloutMessage }): ReactElement {
  const { waiting } = rollout;
  if (wave.state === 'passed') {
    return (
      <>
        passed <Ago at={wave.passedAt} />
      </>
    );
  }
  if (wave.state === 'next') return <>{hasEnded(rollout) ? 'never opened' : 'opens later'}</>;
  if (waiting?.reason === 'bake') {
    return (
      <span className="bake">
        <Icon name="clock" size={13} /> bakes, passes <Ago at={waiting.until} />
      </span>
    );
  }
  return <strong>open</strong>;
}

/** How much of what a wave allows is used. */
function Budget({ wave }: { readonly wave: Wave }): ReactElement {
  const { moving, failures, atOnce, allowedFailures } = wave;
  return (
    <dl className="wave-budget">
      <div>
        <dt>on the way or unwell</dt>
        <dd>
          {numberWords(moving + failures)} of {numberWords(atOnce)}
        </dd>
      </div>
      <div>
        <dt>failed</dt>
        <dd className={failures > allowedFailures ? 'over-budget' : ''}>
          {numberWords(failures)}, {numberWords(allowedFailures)} may
        </dd>
      </div>
    </dl>
  );
}

/** The waves from the canaries on: how far each is, what it may use, and when it passed. */
export function WaveLadder({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const isHeld = rollout.status !== 'ROLLOUT_STATUS_RUNNING';
  return (
    <ol className="wave-ladder">
      {wavesOf(rollout).map((wave) => {
        const { icon, tone } = stepOf(wave, isHeld);
        const { number, planned, there, moving, failures, waiting } = wave;
        return (
          <li key={number} className={`wave wave-${wave.state} tone-${tone}`}>
            <span className="wave-step">
              <Icon name={icon} size={14} />
            </span>
            <div className="wave-body">
              <div className="wave-head">
                <h3>{waveName(number)}</h3>
                <span className="wave-state">
                  <StateWords wave={wave} rollout={rollout} />
                </span>
              </div>
              <ShareBar
                of={planned}
                parts={[
                  { word: 'there', tone: 'good', count: there },
                  { word: 'moving', tone: 'busy', count: moving },
                  { word: 'failed', tone: 'bad', count: failures },
                  { word: 'waiting', tone: 'idle', count: waiting },
                ]}
              />
              <p className="wave-counts">
                <span className="wave-there">
                  {numberWords(there)} of {numberWords(planned)} there
                </span>
                {moving > 0 && <span className="state-count tone-busy">{numberWords(moving)} moving</span>}
                {failures > 0 && <span className="state-count tone-bad">{numberWords(failures)} failed</span>}
                {waiting > 0 && <span className="state-count tone-idle">{numberWords(waiting)} waiting</span>}
              </p>
              {wave.state === 'open' && <Budget wave={wave} />}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
