// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { parseRole, roles, type GroupRule } from '@lockstep/domain/access';
import { parseSelector } from '@lockstep/domain/labels';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import { z } from 'zod';

/** Who vouches for people, and what those that it vouches for may. */
export interface IdentityProviderConfig {
  readonly issuer: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where browsers find this control plane's HTTP API: `https://lockstep.example.org:7446`. */
  readonly publicUrl: URL;
  /** On the button. */
  readonly label: string;
  readonly scopes: string;
  /** The claim that is a person's name here. */
  readonly nameClaim: string;
  readonly groupsClaim: string;
  readonly rules: readonly GroupRule[];
}

const isLocal = ({ hostname }: URL): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

/** What goes over a network is encrypted; a provider on this machine may be plain. */
const safeUrl = z
  .string()
  .refine((text) => URL.canParse(text), 'must be a URL')
  .transform((text) => new URL(text))
  .refine((url) => url.protocol === 'https:' || (url.protocol === 'http:' && isLocal(url)), 'must be an https:// URL');

const rule = z
  .strictObject({
    group: z.string().min(1),
    roles: z.array(z.enum(roles)).min(1),
    everywhere: z.boolean().optional(),
    clusters: z.array(z.string()).optional(),
    selector: z.string().optional(),
  })
  .refine(
    ({ everywhere = false, clusters = [] }) => everywhere !== clusters.length > 0,
    'says "everywhere": true, or names "clusters"',
  );

const form = z.strictObject({
  issuer: safeUrl,
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  publicUrl: safeUrl,
  label: z.string().min(1).max(60).default('Single sign-on'),
  scopes: z.string().min(1).default('openid profile email groups'),
  nameClaim: z.string().min(1).default('email'),
  groupsClaim: z.string().min(1).default('groups'),
  groups: z.array(rule).min(1),
});

/** @throws LockstepError `invalid-input` `invalid-identity-provider` naming everything that is wrong. */
export function parseIdentityProvider(text: string, file: string): IdentityProviderConfig {
  const parsed = form.safeParse(jsonIn(text));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw invalid(file, problems);
  }
  const { groups, ...rest } = parsed.data;
  const rules = groups.map(({ group, roles: names, everywhere = false, clusters = [], selector = '' }): GroupRule => ({
    group,
    roles: names.map(parseRole),
    scope: { clusters: everywhere ? 'all' : clusters.map(parseClusterName), nodes: parseSelector(selector) },
  }));
  return { ...rest, rules };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(file: string, problems: readonly string[]): LockstepError {
  const message = `${file} does not describe an identity provider: ${problems.join('; ')}.`;
  return new LockstepError('invalid-input', 'invalid-identity-provider', message, { file, problems });
}

/** @throws LockstepError `invalid-input` `invalid-identity-provider`. */
export async function readIdentityProvider(file: string): Promise<IdentityProviderConfig> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw invalid(file, [(error as Error).message]);
  });
  return parseIdentityProvider(text, file);
}
