import { z } from 'zod';

/** Only what the hub uses of each answer; the rest is not even asked for. */
const id = z.string().min(1);
const text = z.string().nullish();
const page = { nextPageToken: z.string().min(1).nullish() };

/** A timed moment has an offset always, whatever zone it was written in. */
const moment = z.union([
  z.object({ dateTime: z.iso.datetime({ offset: true }) }),
  z.object({ date: z.iso.date() }).transform(({ date }) => ({ date })),
]);

export const event = z.object({
  id,
  etag: text,
  status: text,
  summary: text,
  start: moment,
  end: moment,
  recurrence: z.array(z.string()).nullish(),
  recurringEventId: text,
  transparency: text,
  visibility: text,
  eventType: text,
  updated: text,
  attendees: z.array(z.object({ self: z.boolean().nullish(), responseStatus: text })).nullish(),
  extendedProperties: z.object({ private: z.record(z.string(), z.string()).nullish() }).nullish(),
});

export type Event = z.output<typeof event>;
export type Moment = z.output<typeof moment>;

/** Of a deleted event nothing but its id is certain. */
export const tombstone = z.object({ id, status: z.literal('cancelled'), recurringEventId: text });

/** The least an item must say of itself to be put aside. */
export const identified = z.object({ id, etag: text, recurringEventId: text });

/** Items stay unparsed here, so that one unreadable event does not hide the others. */
export const events = z.object({
  kind: z.literal('calendar#events'),
  items: z.array(z.unknown()).default([]),
  nextSyncToken: z.string().min(1).nullish(),
  ...page,
});

/** What a calendar says of itself to anybody who may list its events. */
export const calendar = z.object({
  kind: z.literal('calendar#events'),
  summary: text,
  timeZone: text,
  accessRole: text,
});

export const calendarListEntry = z.object({
  id,
  summary: text,
  summaryOverride: text,
  timeZone: text,
  accessRole: text,
  deleted: z.boolean().nullish(),
});

export const calendarList = z.object({
  kind: z.literal('calendar#calendarList'),
  items: z.array(calendarListEntry).default([]),
  ...page,
});

const instant = z.iso.datetime({ offset: true });

export const freeBusy = z.object({
  calendars: z.record(
    z.string(),
    z.object({
      busy: z.array(z.object({ start: instant, end: instant })).default([]),
      errors: z.array(z.object({ reason: text })).nullish(),
    }),
  ),
});

/** `expiration`: epoch milliseconds, as text. */
export const channel = z.object({
  resourceId: id,
  expiration: z
    .string()
    .regex(/^\d{1,16}$/)
    .nullish(),
});

/** An error as the API says it. */
export const failure = z.object({
  error: z.object({ errors: z.array(z.object({ reason: text })).nullish(), status: text }),
});

/** Answers of the token endpoint (RFC 6749 5.1 and 5.2). */
export const token = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().default(3600),
  refresh_token: z.string().min(1).nullish(),
  scope: text,
});
export const tokenFailure = z.object({ error: z.string() });

/** What the processes of the hub share of a grant whose refresh token is replaced at each use. */
export const shared = z.object({ refreshToken: z.string(), accessToken: z.string(), expiresAt: z.number() });
