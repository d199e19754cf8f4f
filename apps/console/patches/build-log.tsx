// SPDX-License-Identifier: GPL-2.0-only
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { useLiveEvents } from '../api/live-events';
import type { BuildMessage, Schemas } from '../api/schemas';
import { StateMark } from '../display/state-mark';
import { buildWord } from '../display/tones';

/** Of a log of a hundred megabytes the end is what somebody wants to see. */
const mostLines = 2_000;

/** What the workers say about a build, as they say it. */
export function BuildLog({ build: { id = '' } }: { readonly build: BuildMessage }): ReactElement {
  const [lines, setLines] = useState<readonly string[]>([]);
  const [told, setTold] = useState(0);
  const [build, setBuild] = useState<BuildMessage>();
  const end = useRef<HTMLPreElement>(null);
  const state = useLiveEvents(`/v1/builds/${encodeURIComponent(id)}/events`, (data) => {
    const news = JSON.parse(data) as Schemas['WatchBuildResponse'];
    setBuild(news.build);
    setTold(news.nextLine ?? told);
    const texts = (news.logLines ?? []).map(({ text = '' }) => text);
    setLines((before) => [...before, ...texts].slice(-mostLines));
  });
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight });
  }, [lines]);
  return (
    <div className="build-log">
      <p className="dim">
        {build !== undefined && <StateMark state={buildWord(build.status)} />} {build?.progress?.stage}{' '}
        {state === 'waiting' && 'The connection is lost and tried again.'}
        {told > lines.length && `The last ${lines.length} of ${told} lines.`}
      </p>
      <pre ref={end} className="kernel-line" tabIndex={0} aria-label="Build log">
        {lines.join('\n')}
        {state === 'ended' && lines.length === 0 && 'Its workers said nothing.'}
      </pre>
    </div>
  );
}
