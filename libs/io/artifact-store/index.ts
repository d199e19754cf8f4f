// SPDX-License-Identifier: GPL-2.0-only
export { chunkBytes, readWhole, type ArtifactStore, type KeptArtifact, type StoredArtifact } from './artifact-store';
export { evictArtifacts, type Eviction, type EvictionOptions } from './evict-artifacts';
export { openArtifactStore, readStorePlace, type StorePlace } from './open-artifact-store';
export type { S3Place } from './s3-store';
