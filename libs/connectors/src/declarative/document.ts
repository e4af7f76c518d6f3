import { consistent } from './consistency.js';
import { parts } from './parts.js';

/** How one REST agenda is spoken to. It names paths, fields and constants; nothing in it is carried out. */
export const document = parts
  .superRefine((value, context) => {
    for (const [path, message] of consistent(value)) context.addIssue({ code: 'custom', path: [...path], message });
  })
  .meta({ title: 'Description d’un agenda REST' });
