// SPDX-License-Identifier: GPL-2.0-only
import { useEffect, useRef, useState } from 'react';

/** `waiting`: the connection is lost and tried again; `ended`: there is nothing more to come. */
export type LiveState = 'connecting' | 'live' | 'waiting' | 'ended';

const comeAgainMs = 3_000;

/**
 * Follows server-sent events for as long as the component shows them. A browser resumes a stream that broke by the last event's id;
 * one that was refused it gives up, so that is begun anew here.
 * @param path of the stream; undefined: nothing is followed.
 * @param onData gets the JSON of each message
 */
export function useLiveEvents(path: string | undefined, onData: (data: string) => void): LiveState {
  const [state, setState] = useState<LiveState>('connecting');
  const heard = useRef(onData);
  useEffect(() => {
    heard.current = onData;
  });
  useEffect(() => {
    if (path === undefined) return undefined;
    let source: EventSource | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    const connect = (): void => {
      source = new EventSource(path);
      source.onopen = () => {
        setState('live');
      };
      source.onmessage = ({ data }: MessageEvent<string>) => {
        heard.current(data);
      };
      source.addEventListener('end', () => {
        source?.close();
        setState('ended');
      });
      source.onerror = () => {
        setState('waiting');
        if (source?.readyState === EventSource.CLOSED) again = setTimeout(connect, comeAgainMs);
      };
    };
    setState('connecting');
    connect();
    return () => {
      source?.close();
      clearTimeout(again);
    };
  }, [path]);
  return state;
}
