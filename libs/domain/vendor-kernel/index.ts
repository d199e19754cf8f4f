// SPDX-License-Identifier: GPL-2.0-only
export { buildSaltOf, withBuildSalt } from './build-salt';
export { likelyReason } from './likely-reason';
export { identityArguments, kernelBanner, packageArguments, releaseIn } from './kernel-banner';
export { exportsOfKernel, otherExport } from './kernel-exports';
export { otherModuleFormat } from './module-format';
export { belowSourceTree, readCompileUnits, type CompileUnit, type KnownPaths } from './line-tables';
export { kernelImage, moduleImage, type LinkedImage } from './linked-image';
export { describeDifference, isNotLinked, proveObject, type ObjectProof, type ProofDifference } from './prove-object';
export { parseStockName, type StockName } from './stock-name';
export { vendorProofs, type VendorProof } from './vendor-proof';
export {
  distributions,
  layoutOf,
  vendorParts,
  type Distribution,
  type VendorLayout,
  type VendorPart,
} from './vendor-layouts';
