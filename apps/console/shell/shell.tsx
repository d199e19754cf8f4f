// SPDX-License-Identifier: GPL-2.0-only
import { useState, type ReactElement } from 'react';
import { Outlet, useNavigation } from 'react-router';
import { Icon } from '../display/icon';
import { useSession } from '../session/session';
import { ColorSchemeSwitch } from './color-scheme-switch';
import { ConnectionNote } from './connection-note';
import { Emblem } from './emblem';
import { Navigation } from './navigation';
import { SignedIn } from './signed-in';
import './shell.css';

/** What is around every page of somebody who is signed in. */
export function Shell(): ReactElement {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const isLoading = useNavigation().state === 'loading';
  const session = useSession();
  return (
    <div className={isMenuOpen ? 'shell menu-open' : 'shell'}>
      <a className="skip-link" href="#page">
        Skip to the page
      </a>
      <header className="sidebar">
        <div className="sidebar-head">
          <Emblem />
          <button
            type="button"
            className="icon-button menu-button"
            aria-expanded={isMenuOpen}
            aria-label="Menu"
            onClick={() => {
              setMenuOpen(!isMenuOpen);
            }}
          >
            <Icon name={isMenuOpen ? 'cross' : 'menu'} />
          </button>
        </div>
        <div className="sidebar-body">
          <Navigation
            onChosen={() => {
              setMenuOpen(false);
            }}
          />
          <div className="sidebar-foot">
            <SignedIn session={session} />
            <ColorSchemeSwitch />
          </div>
        </div>
      </header>
      <main id="page" className="page" tabIndex={-1} aria-busy={isLoading}>
        <ConnectionNote />
        <Outlet />
      </main>
    </div>
  );
}
