// SPDX-License-Identifier: GPL-2.0-only
import { z } from 'zod';

export interface ListenAddress {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}

/** `host:port`, `[::1]:port`, or `off`, which is undefined. */
export const listenAddressForm = z
  .string()
  .regex(/^(off|(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]+):\d{1,5})$/, 'must be host:port or off')
  .transform((text): ListenAddress | undefined => {
    if (text === 'off') return undefined;
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
  })
  .refine((address) => address === undefined || address.port <= 65_535, 'must be host:port or off');

export const addressText = ({ host, port }: ListenAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
