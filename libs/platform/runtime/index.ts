// SPDX-License-Identifier: GPL-2.0-only
export { certificatePin, sha256OfBytes, sha256OfFile } from './digests';
export { makeFolder, syncFolder } from './durable-folder';
export { errorCode } from './error-code';
export { FileLock } from './file-lock';
export { collectEarly } from './heap-growth';
export { installLastResort, type SayUnforeseen } from './last-resort';
export { errorCodes, isConnectionLost } from './lost-connection';
export { readIfPresent, readOrCreate, writePrivateFile } from './private-file';
export { isProcessAlive } from './process-alive';
export { storableText } from './storable-text';
export { lockstepVersion } from './version';
