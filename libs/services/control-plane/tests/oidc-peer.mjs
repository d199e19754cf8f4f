// SPDX-License-Identifier: GPL-2.0-only
// A real OpenID provider, in a process of its own: the library is ESM alone. Usage: oidc-peer.mjs PORT REDIRECT_URI GROUPS_JSON
import Provider from 'oidc-provider';

const [, , port, redirectUri, groups] = process.argv;
const groupsOf = JSON.parse(groups);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'lockstep',
      client_secret: 'a-secret-that-only-the-two-of-them-know',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
    },
  ],
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
  pkce: { required: () => true },
  cookies: { keys: ['of this test'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.org`,
      email_verified: id !== 'mallory',
      groups: groupsOf[id] ?? [],
    }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
