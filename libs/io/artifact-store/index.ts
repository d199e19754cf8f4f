// SPDX-License-Identifier: GPL-2.0-only
export { chunkBytes, openArtifactStore, type ArtifactStore, type StoredArtifact } from './artifact-store';
