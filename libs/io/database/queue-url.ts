// SPDX-License-Identifier: GPL-2.0-only

/**
 * The same database, as this role. What a URL says behind its `?` counts for more than what stands before the host, and
 * where there is no host (a socket's folder is named behind the `?`) nothing can stand before it.
 */
export function urlAs(url: string, role: string, password: string): string {
  const own = new URL(url);
  for (const name of ['user', 'password']) own.searchParams.delete(name);
  own.username = encodeURIComponent(role);
  own.password = encodeURIComponent(password);
  if (own.username === '') {
    own.searchParams.set('user', role);
    own.searchParams.set('password', password);
  }
  return own.href;
}
