// SPDX-License-Identifier: GPL-2.0-only
import { Button, PasswordInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { sessionKey } from '../api/queries';
import { ProblemNote } from '../display/problem-note';
import { ColorSchemeSwitch } from '../shell/color-scheme-switch';
import { Emblem } from '../shell/emblem';
import { signIn } from './session';
import { signInProblemIn } from './sign-in-problem';

/** Where somebody is whom the control plane does not know yet, or no longer: the address stays, so that signing in goes on there. */
export function SignInPage(): ReactElement {
  const [token, setToken] = useState('');
  const { mutate, isPending, error } = useMutation({ mutationFn: signIn });
  const ways = useQuery({
    // Of the session's, which are all that stays of what somebody else was told.
    queryKey: [...sessionKey, 'ways'],
    queryFn: () => answerOf(api.GET('/v1/session/ways')),
    staleTime: Infinity,
  });
  const provider = ways.data?.provider;
  const { pathname, search } = window.location;
  useEffect(() => {
    document.title = 'Sign in · Lockstep';
  }, []);
  return (
    <main className="sign-in">
      <form
        className="panel sign-in-form"
        onSubmit={(event) => {
          event.preventDefault();
          mutate(token.trim());
        }}
      >
        <div className="sign-in-head">
          <Emblem />
          <ColorSchemeSwitch />
        </div>
        <h1>Sign in</h1>
        <PasswordInput
          label="Access token"
          description={
            <>
              An operator makes one with <code>lockstep token create</code>; the first one is in{' '}
              <code>operator.token</code> in the control plane&rsquo;s state folder.
            </>
          }
          value={token}
          autoComplete="current-password"
          autoFocus
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the token' }}
          onChange={({ currentTarget }) => {
            setToken(currentTarget.value);
          }}
        />
        <ProblemNote error={error ?? signInProblemIn(search)} what="You are not signed in" />
        <Button type="submit" size="sm" fullWidth loading={isPending} disabled={token.trim() === ''}>
          Sign in
        </Button>
        {provider !== undefined && (
          <Button
            component="a"
            href={`${provider.path}?to=${encodeURIComponent(`${pathname}${search}`)}`}
            variant="default"
            size="sm"
            fullWidth
          >
            {provider.label}
          </Button>
        )}
      </form>
    </main>
  );
}
