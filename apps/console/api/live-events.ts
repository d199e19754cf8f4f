// SPDX-License-Identifier: GPL-2.0-only
import { useEffect, useRef, useState } from 'react';

/** `waiting`: the connection is lost and tried again; `ended`: there is nothing more to come. */
export type LiveState = 'connecting' | 'live' | 'waiting' | 'ended';

const comeAgainMs = 3_000;

interface Heard {
  readonly onData: (data: string) => void;
  readonly resumed: (() => string) | undefined;
}

/**
 * One stream for as long as somebody looks at the page: a browser has six connections to a server, which tabs in the background
 * would take from each other.
 * @param heard what is to be done, as it is when it happens
 */
function follow(path: string, heard: () => Heard, onState: (state: LiveState) => void): () => void {
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let hasEnded = false;
  const close = (): void => {
    source?.close();
    source = undefined;
    clearTimeout(again);
  };
  const connect = (): void => {
    close();
    const stream = new EventSource(heard().resumed?.() ?? path);
    source = stream;
    stream.onopen = () => {
      onState('live');
    };
    stream.onmessage = ({ data }: MessageEvent<string>) => {
      heard().onData(data);
    };
    stream.addEventListener('end', () => {
      hasEnded = true;
      stream.close();
      onState('ended');
    });
    // A browser resumes a stream that broke; one that was refused it gives up.
    stream.onerror = () => {
      onState('waiting');
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(connect, comeAgainMs);
    };
  };
  const look = (): void => {
    if (hasEnded) return;
    if (document.visibilityState === 'hidden') close();
    else if (source === undefined) connect();
  };
  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    document.removeEventListener('visibilitychange', look);
    close();
  };
}

/**
 * Follows server-sent events for as long as the component shows them.
 * @param path of the stream; undefined: nothing is followed.
 * @param onData gets the JSON of each message
 * @param resumed the path from where it was left, for one that is begun anew
 */
export function useLiveEvents(
  path: string | undefined,
  onData: (data: string) => void,
  resumed?: () => string,
): LiveState {
  const [state, setState] = useState<LiveState>('connecting');
  const heard = useRef<Heard>({ onData, resumed });
  useEffect(() => {
    heard.current = { onData, resumed };
  });
  useEffect(() => {
    if (path === undefined) return undefined;
    setState('connecting');
    return follow(path, () => heard.current, setState);
  }, [path]);
  return state;
}
