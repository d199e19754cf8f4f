// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Emblem } from '../shell/emblem';
import { Shell } from '../shell/shell';
import { useSessionQuery } from './session';
import { SignInPage } from './sign-in-page';
import './sign-in.css';

/** The pages, for somebody who is signed in. */
export function SignedInGate(): ReactElement {
  const { data: session, failureReason } = useSessionQuery();
  if (session === undefined) {
    return (
      <main className="sign-in">
        <div className="sign-in-form" role="status">
          <Emblem />
          <p className="dim">{failureReason === null ? 'Loading…' : failureReason.message}</p>
        </div>
      </main>
    );
  }
  return session === null ? <SignInPage /> : <Shell />;
}
