// SPDX-License-Identifier: GPL-2.0-only
export { counted } from './counted';
export { visibleJson, visibleLine, visibleText } from './visible-text';
