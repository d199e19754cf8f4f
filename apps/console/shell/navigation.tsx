// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { NavLink } from 'react-router';
import { Icon, type IconName } from '../display/icon';

interface Place {
  readonly to: string;
  readonly name: string;
  readonly icon: IconName;
}

const places: readonly (readonly Place[])[] = [
  [
    { to: '/', name: 'Overview', icon: 'overview' },
    { to: '/rollouts', name: 'Rollouts', icon: 'rollouts' },
    { to: '/campaigns', name: 'Campaigns', icon: 'flag' },
    { to: '/schedule', name: 'Windows and freezes', icon: 'clock' },
    { to: '/load-order', name: 'Load order', icon: 'layers' },
    { to: '/nodes', name: 'Nodes', icon: 'nodes' },
  ],
  [
    { to: '/patches', name: 'Patches', icon: 'patches' },
    { to: '/cves', name: 'CVEs', icon: 'shield' },
  ],
  [
    { to: '/audit', name: 'Audit', icon: 'audit' },
    { to: '/access', name: 'Access', icon: 'key' },
    { to: '/system', name: 'System', icon: 'system' },
  ],
];

export function Navigation({ onChosen }: { readonly onChosen: () => void }): ReactElement {
  return (
    <nav aria-label="Pages" className="navigation">
      {places.map((group, index) => (
        <ul key={index}>
          {group.map(({ to, name, icon }) => (
            <li key={to}>
              <NavLink to={to} end={to === '/'} onClick={onChosen}>
                <Icon name={icon} />
                {name}
              </NavLink>
            </li>
          ))}
        </ul>
      ))}
    </nav>
  );
}
