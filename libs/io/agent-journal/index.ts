// SPDX-License-Identifier: GPL-2.0-only
export { openAgentJournal, type AgentJournal } from './agent-journal';
export { markShutdown, readShutdownMarks, withdrawShutdownMark } from './shutdown-marks';
export { ArtifactFiles, artifactIncomplete, type ArtifactSource } from './artifact-files';
