import { z } from 'zod';
import { instantView } from '../shared/instants.js';

export const consentView = z
  .object({
    url: z.string().meta({ description: 'Page to open in the browser of the person who grants access; good once.' }),
    expiresAt: instantView.meta({ description: 'Until when the person may answer there.' }),
  })
  .meta({ id: 'ConsentAsked' });

const single = z.string().max(4000).optional().catch(undefined);

/** What the browser brings back (RFC 6749 4.1.2); servers add members of their own. */
export const callbackQuery = z.object({ state: single, code: single, error: single });
