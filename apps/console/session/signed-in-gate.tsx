// SPDX-License-Identifier: GPL-2.0-only
import { useEffect, type ReactElement } from 'react';
import { Emblem } from '../shell/emblem';
import { Shell } from '../shell/shell';
import { forgetAnswers, SessionContext, useSessionQuery } from './session';
import { SignInPage } from './sign-in-page';
import './sign-in.css';

/** The pages, for somebody who is signed in. */
export function SignedInGate(): ReactElement {
  const { data: session, failureReason } = useSessionQuery();
  const isSignedOut = session === null;
  useEffect(() => {
    if (isSignedOut) forgetAnswers();
  }, [isSignedOut]);
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
  return session === null ? (
    <SignInPage />
  ) : (
    <SessionContext value={session}>
      <Shell />
    </SessionContext>
  );
}
