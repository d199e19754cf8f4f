// SPDX-License-Identifier: GPL-2.0-only
declare const brand: unique symbol;

/** A primitive that only its own parser can make, so that ids of different things cannot be swapped. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
