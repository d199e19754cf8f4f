// SPDX-License-Identifier: GPL-2.0-only
export { callbackPath, IdentityProvider, type BegunSignIn } from './identity-provider';
export { type Person } from './person-of-claims';
export { readIdentityProvider, type IdentityProviderConfig } from './provider-config';
