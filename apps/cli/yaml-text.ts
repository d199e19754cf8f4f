// SPDX-License-Identifier: GPL-2.0-only
import { Document, Scalar, visit } from 'yaml';

/** What is shown instead of printed (visible-text): its `\x1b` and `\u202e` are escapes only in double quotes. */
const needsQuotes = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u;

/** One YAML document, that a reader of YAML 1.1 understands the same, and that stays it when it is made visible. */
export function yamlText(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1' });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && needsQuotes.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 });
}
