import { sightOf, type Actor, type BookingTerms } from '#application';
import { Problem, type Caller } from '#platform';

/** Who acts, as the use cases record it. */
export function actingAs({ collaboratorId, keyId, origin }: Caller): Extract<Actor, { kind: 'collaborator' }> {
  // Authentication refuses a write that names nobody.
  if (collaboratorId === null) throw new Error('a write without a collaborator');
  return { kind: 'collaborator', id: collaboratorId, key: keyId, ...(origin && { origin }) };
}

/** What a booking brings along. Throws `right-missing` when the key may not overbook. */
export function termsOf(caller: Caller, given: Omit<BookingTerms, 'audience' | 'usesReserved'>): BookingTerms {
  if (given.overbooking !== undefined && !caller.scopes.has('appointment:overbook'))
    throw new Problem('right-missing', { code: 'RIGHT', extra: { right: 'appointment:overbook' } });
  const { acknowledged, overbooking, newPatient, series } = given;
  const usesReserved = sightOf()?.usesReserved;
  return {
    audience: caller.audience,
    usesReserved,
    ...(acknowledged && { acknowledged }),
    overbooking,
    newPatient,
    series,
  };
}
