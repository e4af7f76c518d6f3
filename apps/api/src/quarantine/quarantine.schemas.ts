import type { QuarantinedObject } from '#application';
import { z } from 'zod';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

export const quarantineQuery = z.strictObject(pageQuery);

/** One unreadable object of one link. */
export const itemPath = z.strictObject({ id: idInput, item: idInput });

export type ItemPath = z.output<typeof itemPath>;

const item = {
  id: idView,
  remoteId: z.string().meta({ description: 'Id of the object in the practitioner’s tool.' }),
  version: z.string().nullable(),
  reason: z.string().meta({ description: 'Why it could not be read; nothing of what it holds.' }),
  at: instantView,
  dismissed: z.boolean(),
};

export const itemView = z.object(item).meta({ id: 'QuarantinedObject' });

export const rawView = z
  .object({ ...item, raw: z.string().meta({ description: 'The object as it was received. It may name a patient.' }) })
  .meta({ id: 'QuarantinedObjectRaw' });

export const retryView = z
  .object({ readable: z.boolean().meta({ description: 'It was read and has left the quarantine.' }) })
  .meta({ id: 'QuarantineRetry' });

export const itemPage = pageView('QuarantinePage', itemView);

export function viewItem(
  { id, remoteId, version, reason, at, dismissed }: QuarantinedObject,
  timeZone: string,
): z.input<typeof itemView> {
  return { id, remoteId, version, reason, at: formatInstant(at, timeZone), dismissed };
}
