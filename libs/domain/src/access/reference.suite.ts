import { Temporal } from 'temporal-polyfill';
import { publicHolidays } from '../holidays.js';
import type { AccessRefusal } from './decide.js';
import type { AccessRequest, AgendaPlace, Grant, GrantQuota } from './grant.js';
import type { WorkingHours } from './working-hours.js';

/**
 * The same decision, written once more and slowly: every rule is a list of complaints, hours are walked half-hour by
 * half-hour on Temporal's clock, and nothing is shared with the code that it judges.
 */
export function referenceDecision(
  request: AccessRequest,
  grants: readonly Grant[],
  at: number,
): { allowed: true; grantId: string } | { allowed: false; reason: AccessRefusal } {
  const judged = grants.map((grant) => ({ grant, complaints: complaintsOf(request, grant, at) }));
  const good = judged.filter(({ complaints }) => complaints.length === 0).map(({ grant }) => grant);
  const limits = (grant: Grant): GrantQuota[] => grant.quotas.filter(({ action }) => action === request.action);
  const chosen = good.find((grant) => limits(grant).length === 0) ?? good[0];
  if (chosen !== undefined) return { allowed: true, grantId: chosen.id };
  const firsts = judged.map(({ complaints }) => complaints[0]!);
  const order: AccessRefusal[] = [
    ...(['GRANT_QUOTA', 'OUTSIDE_WORKING_HOURS', 'GRANT_AUDIENCE', 'GRANT_MOTIF', 'GRANT_CHANNEL'] as const),
    ...(['GRANT_EXPIRED', 'GRANT_NOT_YET_VALID', 'GRANT_AWAITING_APPROVAL', 'GRANT_REVOKED'] as const),
  ];
  return { allowed: false, reason: order.find((reason) => firsts.includes(reason)) ?? 'RIGHT' };
}

type Complaint = (request: AccessRequest, grant: Grant, at: number) => boolean;
const lists = (list: readonly unknown[] | null, one: unknown): boolean =>
  list === null || one === null || list.includes(one);

/** Everything that can speak against a grant, in the order in which it is told. */
const COMPLAINTS: readonly (readonly [AccessRefusal, Complaint])[] = [
  ['RIGHT', ({ action }, { actions }) => !actions.includes(action)],
  [
    'RIGHT',
    ({ agenda }, { agendaIds, locationIds }) =>
      agenda !== null &&
      !(agendaIds === null && locationIds === null) &&
      !(agendaIds ?? []).includes(agenda.id) &&
      !(locationIds ?? []).includes(agenda.locationId),
  ],
  ['GRANT_REVOKED', (_, { state }) => state === 'revoked'],
  ['GRANT_AWAITING_APPROVAL', (_, { state }) => state === 'proposed'],
  ['GRANT_NOT_YET_VALID', (_, { validFrom }, at) => validFrom !== null && validFrom > at],
  ['GRANT_EXPIRED', (_, { validUntil }, at) => validUntil !== null && validUntil <= at],
  ['GRANT_CHANNEL', ({ channel }, { channels }) => !lists(channels, channel)],
  ['GRANT_MOTIF', ({ motifId }, { motifIds }) => !lists(motifIds, motifId)],
  ['GRANT_AUDIENCE', ({ audience }, { audiences }) => !lists(audiences, audience)],
  [
    'OUTSIDE_WORKING_HOURS',
    ({ agenda }, { hours }, at) => agenda !== null && hours !== null && !slowlyInHours(hours, at, agenda),
  ],
  [
    'GRANT_QUOTA',
    ({ action, used }, { id, quotas }) =>
      quotas.some((quota) => quota.action === action && (used.get(id) ?? 0) >= quota.perDay),
  ],
];

function complaintsOf(request: AccessRequest, grant: Grant, at: number): AccessRefusal[] {
  const own = COMPLAINTS.filter(([, speaks]) => speaks(request, grant, at)).map(([reason]) => reason);
  const { delegated } = grant;
  if (delegated === null) return own;
  const from = delegated.kind === 'overflow' ? { ...delegated.from, hours: null } : delegated.from;
  return [...own, ...(from.delegable ? [] : (['RIGHT'] as const)), ...complaintsOf(request, from, at)];
}

/** Steps back over two days, looking for a period that began then and still runs; those of the test begin at half-hours. */
function slowlyInHours({ periods, holidays }: WorkingHours, at: number, place: AgendaPlace): boolean {
  const now = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(place.timeZone).toPlainDateTime();
  const holiday = (date: Temporal.PlainDate): boolean =>
    publicHolidays(place.holidays, date.year).some((one) => one.date === date.toString());
  if (holidays === 'always' && holiday(now.toPlainDate())) return true;
  const half = now.round({ smallestUnit: 'minute', roundingIncrement: 30, roundingMode: 'floor' });
  for (let back = 0; back < 2 * 48; back += 1) {
    const began = half.subtract({ minutes: back * 30 });
    const time = began.toPlainTime().toString({ smallestUnit: 'minute' });
    for (const { days, from, to } of periods) {
      if (time !== from || !days.includes(began.dayOfWeek)) continue;
      if (holidays === 'never' && holiday(began.toPlainDate())) continue;
      const [hours, minutes] = to.split(':').map(Number) as [number, number];
      const sameDay = began.toPlainDate().toPlainDateTime().add({ hours, minutes });
      const ends = Temporal.PlainDateTime.compare(sameDay, began) <= 0 ? sameDay.add({ days: 1 }) : sameDay;
      if (Temporal.PlainDateTime.compare(now, ends) < 0) return true;
    }
  }
  return false;
}
