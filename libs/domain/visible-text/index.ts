// SPDX-License-Identifier: GPL-2.0-only
export { visibleJson, visibleLine, visibleText } from './visible-text';
