// SPDX-License-Identifier: GPL-2.0-only
import { NativeSelect } from '@mantine/core';
import { parseZone, type ZoneName } from '@lockstep/domain/schedule';
import { useState, type ReactElement } from 'react';
import type { FreezeMessage, WindowMessage } from '../api/schemas';
import { useCensus } from '../clusters/census';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import { useUrlState } from '../display/url-state';
import { everywhere, whyNot } from '../session/may';
import { useSession } from '../session/session';
import { useMinuteMs } from '../time/now';
import { spanWords } from '../time/spans';
import { daysFrom, dayOrder, freezeOf, mayBegin, openings, ownZone, wallWords, windowOf, type Day } from './calendar';
import { NewFreeze } from './new-freeze';
import { NewWindow } from './new-window';
import { RemoveSchedule } from './remove-schedule';
import { useSchedules, type Schedules } from './schedules';
import { Strip, StripDays, wholeOf } from './strip';
import './schedule.css';

interface Shown {
  readonly days: readonly Day[];
  /** The zone whose clocks the page goes by. */
  readonly zone: ZoneName;
  readonly nowMs: number;
}

const open: StateWord = { tone: 'good', icon: 'play', word: 'open' };
const closed: StateWord = { tone: 'idle', icon: 'clock', word: 'closed' };
const frozen: StateWord = { tone: 'bad', icon: 'lock', word: 'frozen' };
const later: StateWord = { tone: 'idle', icon: 'clock', word: 'later' };
const over: StateWord = { tone: 'idle', icon: 'check', word: 'over' };

const spanText = (zone: ZoneName, fromMs: number, untilMs: number): string =>
  `${wallWords(zone, fromMs)} to ${wallWords(zone, untilMs)}`;

/** When the loads of a cluster may begin, windows and freezes together. */
function ClusterRow({ cluster, schedules, shown }: { cluster: string; schedules: Schedules; shown: Shown }) {
  const { days, zone, nowMs } = shown;
  const schedule = {
    windows: schedules.windows.filter((each) => each.cluster === cluster).map(windowOf),
    freezes: schedules.freezes.filter((each) => (each.cluster ?? cluster) === cluster).map(freezeOf),
  };
  const spans = mayBegin(schedule, wholeOf(days)).map((span) => ({
    ...span,
    words: spanText(zone, span.fromMs, span.untilMs),
  }));
  const isOpen = spans.some(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs);
  return (
    <li className="schedule-row">
      <div className="schedule-words">
        <h3>{cluster}</h3>
        <StateMark state={isOpen ? open : closed} />
      </div>
      <Strip
        kind="open"
        days={days}
        nowMs={nowMs}
        spans={spans}
        label={`Loads of ${cluster} may begin ${spans.length === 0 ? 'at no time shown' : spans.map(({ words }) => words).join('; ')}`}
      />
    </li>
  );
}

function WindowRow({ window, shown }: { readonly window: WindowMessage; readonly shown: Shown }): ReactElement {
  const session = useSession();
  const { days, zone, nowMs } = shown;
  const parsed = windowOf(window);
  const { name = '', cluster = '', selector = '', days: on = [], start, lengthSeconds = 0, cutoffSeconds = 0 } = window;
  const spans = openings(parsed, wholeOf(days)).map((span) => ({
    ...span,
    words: `${spanText(parsed.zone, span.fromMs, span.untilMs)} in ${parsed.zone}; ${spanText(zone, span.fromMs, span.untilMs)} in ${zone}`,
  }));
  const next = spans.find(({ untilMs }) => untilMs > nowMs);
  const isOpen = next !== undefined && next.fromMs <= nowMs;
  return (
    <li className="schedule-row">
      <div className="schedule-words">
        <h3>
          {name} <span className="dim">{cluster}</span>
        </h3>
        <StateMark state={isOpen ? open : closed} />
        <RemoveSchedule kind="window" name={name} cluster={cluster} whyNot={whyNot(session, 'set-up', cluster)} />
      </div>
      <p className="schedule-facts">
        {dayOrder(on).join(', ')} at {start} in {parsed.zone}, for {spanWords(lengthSeconds * 1_000)}
        {cutoffSeconds > 0 && `, nothing begins in its last ${spanWords(cutoffSeconds * 1_000)}`}
        {selector !== '' && (
          <>
            {' '}
            for <code>{selector}</code>
          </>
        )}
        {next !== undefined && (
          <span className="dim">
            {' '}
            · {isOpen ? 'open until' : 'opens'} {wallWords(parsed.zone, isOpen ? next.untilMs : next.fromMs)}
            {zone !== parsed.zone && `, in ${zone} ${wallWords(zone, isOpen ? next.untilMs : next.fromMs)}`}
          </span>
        )}
      </p>
      <Strip
        kind="window"
        days={days}
        nowMs={nowMs}
        spans={spans}
        label={`Window ${name} of ${cluster} is open ${spans.map(({ words }) => words).join('; ')}`}
      />
    </li>
  );
}

function freezeState({ fromMs, untilMs }: ReturnType<typeof freezeOf>, nowMs: number): StateWord {
  if (untilMs <= nowMs) return over;
  return fromMs <= nowMs ? frozen : later;
}

function FreezeRow({ freeze, shown }: { readonly freeze: FreezeMessage; readonly shown: Shown }): ReactElement {
  const session = useSession();
  const { days, zone, nowMs } = shown;
  const { name = '', cluster = '', reason = '', selector = '' } = freeze;
  const parsed = freezeOf(freeze);
  const words = spanText(zone, parsed.fromMs, parsed.untilMs);
  return (
    <li className="schedule-row">
      <div className="schedule-words">
        <h3>
          {name} <span className="dim">{cluster === '' ? 'every cluster' : cluster}</span>
        </h3>
        <StateMark state={freezeState(parsed, nowMs)} />
        <RemoveSchedule
          kind="freeze"
          name={name}
          cluster={cluster}
          whyNot={whyNot(session, 'set-up', cluster === '' ? everywhere : cluster)}
        />
      </div>
      <p className="schedule-facts">
        {words} in {zone}
        {selector !== '' && (
          <>
            {' '}
            for <code>{selector}</code>
          </>
        )}
        {reason !== '' && `: ${reason}`}
      </p>
      <Strip
        kind="freeze"
        days={days}
        nowMs={nowMs}
        spans={[{ ...parsed, words }]}
        label={`Freeze ${name}: ${words}`}
      />
    </li>
  );
}

function Rows({ schedules, shown, clusters }: { schedules: Schedules; shown: Shown; clusters: readonly string[] }) {
  const { windows, freezes } = schedules;
  return (
    <div className="stacked">
      <Panel title="When loads may begin" aside="nodes that no labels choose">
        <StripDays days={shown.days} />
        <ul className="schedule-rows">
          {clusters.map((cluster) => (
            <ClusterRow key={cluster} cluster={cluster} schedules={schedules} shown={shown} />
          ))}
        </ul>
      </Panel>
      <Panel title="Windows">
        {windows.length === 0 ? (
          <NothingHere title="There is no window.">Loads may begin at any time that no freeze forbids.</NothingHere>
        ) : (
          <ul className="schedule-rows">
            {windows.map((window) => (
              <WindowRow key={`${window.cluster ?? ''}/${window.name ?? ''}`} window={window} shown={shown} />
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Freezes">
        {freezes.length === 0 ? (
          <NothingHere title="Nothing is frozen." />
        ) : (
          <ul className="schedule-rows">
            {freezes.toReversed().map((freeze) => (
              <FreezeRow key={`${freeze.cluster ?? ''}/${freeze.name ?? ''}`} freeze={freeze} shown={shown} />
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}

/** One that an address names and that this browser knows; its own otherwise. */
function chosenZone(text: string): ZoneName {
  try {
    return text === '' ? ownZone() : parseZone(text);
  } catch {
    return ownZone();
  }
}

/** When loads may begin, by the clocks of the reader or of the cluster. */
export function SchedulePage(): ReactElement {
  const session = useSession();
  const schedules = useSchedules();
  const census = useCensus();
  const { values, set } = useUrlState(['zone']);
  const [adding, setAdding] = useState<'window' | 'freeze'>();
  const nowMs = useMinuteMs();
  const zone = chosenZone(values.zone);
  const windows = schedules.data?.windows ?? [];
  const zones = [...new Set([ownZone(), zone, ...windows.map((each) => each.zone ?? 'UTC'), 'UTC'])];
  const clusters = (census.data ?? []).map(({ cluster }) => cluster);
  const close = (): void => {
    setAdding(undefined);
  };
  return (
    <>
      <PageHead
        title="Windows and freezes"
        summary="When loads may begin, and when none may. What is under way at the end finishes."
        actions={
          <>
            <ActionButton
              label="Freeze"
              icon="lock"
              whyNot={whyNot(session, 'roll-out')}
              onClick={() => {
                setAdding('freeze');
              }}
            />
            <ActionButton
              label="Add a window"
              icon="plus"
              variant="filled"
              whyNot={whyNot(session, 'set-up') ?? (clusters.length === 0 ? 'There is no cluster yet.' : undefined)}
              onClick={() => {
                setAdding('window');
              }}
            />
          </>
        }
      />
      <div className="filters">
        <NativeSelect
          label="By the clocks of"
          value={zone}
          data={zones.map((value) => ({ value, label: value === ownZone() ? `${value} (here)` : value }))}
          onChange={({ currentTarget }) => {
            set({ zone: currentTarget.value === ownZone() ? '' : currentTarget.value });
          }}
        />
      </div>
      <Awaited query={schedules}>
        {(known) => <Rows schedules={known} clusters={clusters} shown={{ zone, nowMs, days: daysFrom(zone, nowMs) }} />}
      </Awaited>
      {adding === 'window' && <NewWindow clusters={clusters} onClose={close} />}
      {adding === 'freeze' && <NewFreeze clusters={clusters} onClose={close} />}
    </>
  );
}
