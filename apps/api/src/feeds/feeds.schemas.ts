import type { FeedRecord } from '#application';
import { line } from '#platform';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

const disclosure = z.enum(['full', 'initials', 'busy']).meta({
  description: 'What a subscriber sees of a visit: name and motif, initials and motif, or only that the time is taken.',
});

export const feedInput = z
  .strictObject({
    label: line(200).meta({ description: 'Who subscribes, or with what; for whoever must decide about it later.' }),
    disclosure: disclosure.default('busy'),
  })
  .meta({ id: 'NewFeed' });

export const feedsQuery = z.strictObject(pageQuery);

const feed = {
  id: idView,
  agenda: idView,
  label: z.string(),
  disclosure,
  createdAt: instantView,
  fetchedAt: instantView.nullable().meta({ description: 'When it was last fetched; null: never.' }),
};

export const feedPage = pageView('FeedPage', z.object(feed).meta({ id: 'Feed' }));

export const createdFeedView = z
  .object({
    ...feed,
    url: z.string().nullable().meta({
      description:
        'The address to subscribe to; a path where the hub does not know its own public URL. Whoever knows it reads the agenda. Told once: null when the request is repeated.',
    }),
  })
  .meta({ id: 'CreatedFeed' });

export function viewFeed(
  { id, agendaId, label, disclosure: discloses, createdAt, fetchedAt }: FeedRecord,
  timeZone: string,
): Omit<z.input<typeof createdFeedView>, 'url'> {
  return {
    id,
    agenda: agendaId,
    label,
    disclosure: discloses,
    createdAt: formatInstant(Math.floor(createdAt), timeZone),
    fetchedAt: fetchedAt === null ? null : formatInstant(Math.floor(fetchedAt), timeZone),
  };
}
