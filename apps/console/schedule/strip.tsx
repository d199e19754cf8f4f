// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { placed, type Day, type Span } from './calendar';

export interface StripSpan extends Span {
  /** On looking closer. */
  readonly words: string;
}

export interface StripProps {
  readonly kind: 'open' | 'window' | 'freeze';
  readonly days: readonly Day[];
  readonly spans: readonly StripSpan[];
  readonly nowMs: number;
  /** The same in words, for who does not see it. */
  readonly label: string;
}

/** The days shown, from the first midnight to the last. */
export const wholeOf = (days: readonly Day[]): Span => ({
  fromMs: days[0]?.fromMs ?? 0,
  untilMs: days.at(-1)?.untilMs ?? 0,
});

/** When something is so, over the days that are shown. */
export function Strip({ kind, days, spans, nowMs, label }: StripProps): ReactElement {
  const whole = wholeOf(days);
  const now = placed({ fromMs: nowMs, untilMs: nowMs + 1 }, whole);
  return (
    <div className="strip" role="img" aria-label={label}>
      {days.map((day) => {
        const place = placed(day, whole);
        return (
          place !== undefined && (
            <span
              key={day.fromMs}
              className={day.isWeekend ? 'strip-day is-weekend' : 'strip-day'}
              style={{ left: `${place.left}%`, width: `${place.width}%` }}
            />
          )
        );
      })}
      {spans.map((span) => {
        const place = placed(span, whole);
        return (
          place !== undefined && (
            <span
              key={span.fromMs}
              className={`strip-span strip-${kind}`}
              title={span.words}
              style={{ left: `${place.left}%`, width: `${place.width}%` }}
            />
          )
        );
      })}
      {now !== undefined && <span className="strip-now" style={{ left: `${now.left}%` }} />}
    </div>
  );
}

/** Their names, above the strips. */
export function StripDays({ days }: { readonly days: readonly Day[] }): ReactElement {
  const whole = wholeOf(days);
  return (
    <div className="strip-days" aria-hidden="true">
      {days.map((day) => {
        const place = placed(day, whole);
        return (
          <span key={day.fromMs} style={{ left: `${place?.left ?? 0}%`, width: `${place?.width ?? 0}%` }}>
            {day.name}
          </span>
        );
      })}
    </div>
  );
}
