// SPDX-License-Identifier: GPL-2.0-only
export { readBuildRecord, withBuildRecord, type BuildRecord, type RecordedDiff } from './build-record';
export { differencesOf } from './differences-of';
export { billOfMaterialsOf, provenanceOf } from './provenance';
