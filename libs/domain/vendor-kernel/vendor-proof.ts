// SPDX-License-Identifier: GPL-2.0-only
import type { ObjectProof } from './prove-object';

/** That what a livepatch was made from is what the vendor built: of one vmlinux or module. Kept with the livepatch. */
export interface VendorProof {
  /** `vmlinux` or the module's name. */
  readonly object: string;
  /** Of the vendor's file, a module's uncompressed: lower-case hex. */
  readonly vendorSha256: string;
  /** Of all the objects of it that the livepatch changes. */
  readonly functions: number;
  /** Those that the vendor has byte for byte, each address naming the same. */
  readonly equal: number;
  /** Weak functions that another object overrides: the vendor's kernel has no use for them. */
  readonly overridden: readonly string[];
}

/**
 * Joins the proofs of objects that are parts of the same vmlinux or module; in their order.
 * @param sha256Of undefined where nobody noted it: then there is nothing to be told that could be looked up later
 */
export function vendorProofs(
  proved: readonly { readonly object: string; readonly proof: ObjectProof }[],
  sha256Of: (object: string) => string | undefined,
): VendorProof[] {
  const byObject = new Map<string, VendorProof>();
  for (const { object, proof } of proved) {
    const vendorSha256 = sha256Of(object);
    if (vendorSha256 === undefined) continue;
    const before = byObject.get(object) ?? { object, vendorSha256, functions: 0, equal: 0, overridden: [] };
    byObject.set(object, {
      ...before,
      functions: before.functions + proof.functions,
      equal: before.equal + proof.equal,
      overridden: [...before.overridden, ...proof.overridden],
    });
  }
  return [...byObject.values()];
}
