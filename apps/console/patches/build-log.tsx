// SPDX-License-Identifier: GPL-2.0-only
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { useLiveEvents } from '../api/live-events';
import type { BuildMessage, Schemas } from '../api/schemas';
import { numberWords } from '../display/counts';
import { StateMark } from '../display/state-mark';
import { buildWord } from '../display/tones';
import { LineLog } from './line-log';

const lineHeightPx = 18;

/** What the workers say about a build, as they say it: of a log of a hundred megabytes those lines exist that are in sight. */
export function BuildLog({ build: { id = '' } }: { readonly build: BuildMessage }): ReactElement {
  const [log] = useState(() => new LineLog());
  const [count, setCount] = useState(0);
  const [build, setBuild] = useState<BuildMessage>();
  const scroller = useRef<HTMLDivElement>(null);
  const followsEnd = useRef(true);
  const lastTop = useRef(0);
  const path = `/v1/builds/${encodeURIComponent(id)}/events`;
  const state = useLiveEvents(
    path,
    (data) => {
      const { build: news, logLines = [], nextLine = 0 } = JSON.parse(data) as Schemas['WatchBuildResponse'];
      const texts = logLines.map(({ text = '' }) => text);
      log.take(nextLine, texts);
      setBuild(news);
      setCount(log.count);
    },
    () => `${path}?fromLine=${log.next}`,
  );
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeightPx,
    overscan: 20,
  });
  useEffect(() => {
    if (followsEnd.current) scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [count]);
  return (
    <div className="build-log">
      <p className="dim">
        {build !== undefined && <StateMark state={buildWord(build.status)} />} {build?.progress?.stage}{' '}
        {state === 'waiting' && 'The connection is lost and tried again. '}
        {count > 0 && `${log.next > count ? `The last ${numberWords(count)} of ` : ''}${numberWords(log.next)} lines.`}
      </p>
      <div
        ref={scroller}
        className="kernel-line build-lines"
        role="region"
        tabIndex={0}
        aria-label="Build log"
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          // Whoever has scrolled up reads there, until they come back to the end. That the end has gone on meanwhile is no
          // scrolling up: this is told later than it happened.
          if (scrollTop + clientHeight >= scrollHeight - 2 * lineHeightPx) followsEnd.current = true;
          else if (scrollTop < lastTop.current) followsEnd.current = false;
          lastTop.current = scrollTop;
        }}
      >
        <div className="build-lines-all" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => (
            <div key={index} className="build-line" style={{ transform: `translateY(${start}px)` }}>
              {log.at(index)}
            </div>
          ))}
        </div>
        {state === 'ended' && count === 0 && 'Its workers said nothing.'}
      </div>
    </div>
  );
}
