import { z } from 'zod';
import { consistent } from './consistency.js';
import { parts } from './parts.js';

/** How one REST agenda is spoken to. It names paths, fields and constants; nothing in it is carried out. */
export const document = parts
  .superRefine((value, context) => {
    for (const [path, message] of consistent(value)) context.addIssue({ code: 'custom', path: [...path], message });
  })
  .meta({ title: 'Description d’un agenda REST' });

/** The document's form as JSON Schema 2020-12, for editors; what it cannot say is said when the document is entered. */
export function documentSchema(): object {
  return z.toJSONSchema(document, { io: 'input', target: 'draft-2020-12' });
}
