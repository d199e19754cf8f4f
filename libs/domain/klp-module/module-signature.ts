// SPDX-License-Identifier: GPL-2.0-only

/** include/linux/module_signature.h: at the end of a module that the kernel's own keyring is to know. */
const mark = new TextEncoder().encode('~Module signature appended~\n');
/** struct module_signature: algo, hash, id_type, signer_len, key_id_len, three bytes of nothing, sig_len (big endian). */
const structBytes = 12;
const idTypeAt = 2;
const pkcs7 = 2;

/** @param cms a detached CMS signature of the module (DER) */
export function withModuleSignature(module: Uint8Array, cms: Uint8Array): Uint8Array {
  const structAt = module.length + cms.length;
  const bytes = new Uint8Array(structAt + structBytes + mark.length);
  bytes.set(module);
  bytes.set(cms, module.length);
  bytes[structAt + idTypeAt] = pkcs7;
  new DataView(bytes.buffer).setUint32(structAt + 8, cms.length, false);
  bytes.set(mark, structAt + structBytes);
  return bytes;
}

/** The module without the kernel's signature; as it is where it has none, or a broken one. */
export function withoutModuleSignature(module: Uint8Array): Uint8Array {
  const structAt = module.length - mark.length - structBytes;
  if (structAt < 0 || !mark.every((byte, index) => module[structAt + structBytes + index] === byte)) return module;
  const signatureBytes = new DataView(module.buffer, module.byteOffset).getUint32(structAt + 8, false);
  return signatureBytes > structAt ? module : module.subarray(0, structAt - signatureBytes);
}

/** Is there one, of whomever? */
export const hasModuleSignature = (module: Uint8Array): boolean =>
  withoutModuleSignature(module).length < module.length;
