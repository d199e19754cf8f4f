// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Configuration } from 'openid-client';
import type { IdentityProviderConfig } from './provider-config';
import { personOf, type Person } from './person-of-claims';

/** ESM alone: loaded when somebody signs in by it for the first time. */
type OpenIdClient = typeof import('openid-client');

/** Where the provider sends people back to. */
export const callbackPath = '/v1/session/oidc/callback';

/** What a sign-in that was begun is known by when its browser returns. */
export interface BegunSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** An OpenID Connect provider, by its authorisation code flow with PKCE. */
export class IdentityProvider {
  private known: Promise<{ client: OpenIdClient; server: Configuration }> | undefined;

  constructor(
    private readonly config: IdentityProviderConfig,
    /** Is told what people are not. */
    private readonly onTrouble: (error: unknown, what: string) => void,
  ) {}

  get label(): string {
    return this.config.label;
  }

  get issuer(): string {
    return this.config.issuer.href;
  }

  /** Where to send the browser. @throws LockstepError `unavailable` `identity-provider-away`. */
  async begin(): Promise<{ readonly signIn: BegunSignIn; readonly url: URL }> {
    const { client, server } = await this.discovered();
    const signIn = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(server, {
      redirect_uri: this.callback().href,
      scope: this.config.scopes,
      code_challenge: await client.calculatePKCECodeChallenge(signIn.verifier),
      code_challenge_method: 'S256',
      state: signIn.state,
      nonce: signIn.nonce,
    });
    return { signIn, url };
  }

  /**
   * Who has come back. @param query of the address that the provider sent the browser to
   * @throws LockstepError `unauthenticated` `sign-in-failed`; as `personOf` and `begin`.
   */
  async complete(query: string, { state, nonce, verifier }: BegunSignIn): Promise<Person> {
    const { client, server } = await this.discovered();
    const url = this.callback();
    url.search = query;
    try {
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
      const tokens = await client.authorizationCodeGrant(server, url, checks);
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('no ID token came');
      // Many providers tell groups there alone.
      const more =
        this.config.groupsClaim in claims || server.serverMetadata().userinfo_endpoint === undefined
          ? {}
          : await client.fetchUserInfo(server, tokens.access_token, claims.sub);
      return personOf({ ...more, ...claims }, this.config);
    } catch (cause) {
      if (cause instanceof LockstepError) throw cause;
      this.onTrouble(cause, 'a sign-in by the identity provider failed');
      const message = 'The identity provider did not confirm this sign-in; the server log says why. Sign in again.';
      throw new LockstepError('unauthenticated', 'sign-in-failed', message, {}, { cause });
    }
  }

  private callback(): URL {
    return new URL(callbackPath, this.config.publicUrl);
  }

  private discovered(): Promise<{ client: OpenIdClient; server: Configuration }> {
    this.known ??= this.discover().catch((error: unknown) => {
      this.known = undefined;
      throw error;
    });
    return this.known;
  }

  private async discover(): Promise<{ client: OpenIdClient; server: Configuration }> {
    const { issuer, clientId, clientSecret } = this.config;
    try {
      const client = await import('openid-client');
      // The configuration allows it on this machine alone.
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- that is its way to warn
      const plain = issuer.protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {};
      return { client, server: await client.discovery(issuer, clientId, clientSecret, undefined, plain) };
    } catch (cause) {
      this.onTrouble(cause, `the identity provider ${issuer.href} does not answer`);
      const message =
        'The identity provider does not answer; the server log says why. Try again, or sign in with an access token.';
      throw new LockstepError('unavailable', 'identity-provider-away', message, { issuer: issuer.href }, { cause });
    }
  }
}
