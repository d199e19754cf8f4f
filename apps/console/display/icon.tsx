// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';

/** Strokes on a grid of 24. */
const strokes = {
  overview: 'M4 5h7v6H4zM13 5h7v9h-7zM4 13h7v6H4zM13 16h7v3h-7z',
  nodes: 'M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01M12 7h4M12 17h4',
  rollouts: 'M4 19h4v-5H4zM10 19h4V10h-4zM16 19h4V5h-4z',
  flag: 'M6 21V4M6 5h11l-2 4 2 4H6',
  layers: 'M12 3l9 5-9 5-9-5zM3 12.5l9 5 9-5M3 17l9 5 9-5',
  patches: 'M7 3h7l5 5v13H7zM14 3v5h5M10 13h6M13 10v6M10 18h6',
  shield: 'M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM12 8v5M12 16h.01',
  audit: 'M5 4h14v16H5zM8 8h8M8 12h8M8 16h5',
  key: 'M14.5 9.5m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0M10.5 13.5L4 20M7 17l2 2',
  system: 'M5 5h14v14H5zM9 9h6v6H9zM9 2v3M15 2v3M9 19v3M15 19v3M2 9h3M2 15h3M19 9h3M19 15h3',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  moving: 'M4 12h14M13 6l6 6-6 6',
  cross: 'M6 6l12 12M18 6L6 18',
  halt: 'M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 9l6 6M15 9l-6 6',
  warning: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  fork: 'M7 4v16M7 12c0-4 10-2 10-8M14 7l3-3 3 3',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  ahead: 'M5 6l6 6-6 6M12 6l6 6-6 6',
  silent: 'M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0M9 12h6',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 5l11 7-11 7z',
  stop: 'M6 6h12v12H6z',
  again: 'M19 12a7 7 0 1 1-2-5M17 3v4h-4',
  back: 'M9 7H15a5 5 0 0 1 0 10H6M9 13l-4 4 4 4',
  clock: 'M12 12m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0M12 8v4l3 2',
  search: 'M11 11m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M15.5 15.5L20 20',
  light:
    'M12 12m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19',
  dark: 'M20 14a8 8 0 1 1-10-10a7 7 0 0 0 10 10z',
  leave: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  menu: 'M4 7h16M4 12h16M4 17h16',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  plus: 'M12 5v14M5 12h14',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0',
} as const;

export type IconName = keyof typeof strokes;

export interface IconProps {
  readonly name: IconName;
  /** In CSS pixels. */
  readonly size?: number;
}

/** Beside words that say the same: nobody but eyes needs it. */
export function Icon({ name, size = 16 }: IconProps): ReactElement {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={strokes[name]} />
    </svg>
  );
}
