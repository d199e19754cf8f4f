// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { useNowMs } from './now';
import { distanceWords, spanWords } from './spans';

const wholeTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export const timeWords = (at: string): string => wholeTime.format(new Date(at));

export interface AtProps {
  /** ISO; absent: never. */
  readonly at: string | undefined;
  readonly never?: string;
}

/** How far away a time is; the time itself on looking closer. */
export function Ago({ at, never = 'never' }: AtProps): ReactElement {
  const nowMs = useNowMs();
  if (at === undefined) return <span className="dim">{never}</span>;
  return (
    <time dateTime={at} title={timeWords(at)}>
      {distanceWords(Date.parse(at), nowMs)}
    </time>
  );
}

/** For how long something has been so. */
export function For({ since }: { readonly since: string | undefined }): ReactElement | null {
  const nowMs = useNowMs();
  if (since === undefined) return null;
  return (
    <time dateTime={since} title={`since ${timeWords(since)}`}>
      {spanWords(nowMs - Date.parse(since))}
    </time>
  );
}
