import { expect, test } from '@jest/globals';
import type { AgendaRecord } from './calendar.js';
import { chooseAgendas, type AgendaChoice } from './choose-agendas.js';

function agenda(id: string, displayName: string, speciality: string, place: string, active = true): AgendaRecord {
  return {
    id,
    name: 'Cabinet',
    practitioner: { id: `d-${id}`, displayName, speciality, rpps: null },
    location: { id: `l-${place}`, name: place, timeZone: 'Europe/Paris' },
    capacity: 1,
    master: 'hub',
    active,
    freshness: { agendaId: id, asOf: null, certainty: 'live' },
  };
}

const AGENDAS = [
  agenda('martin', 'Dr Anne Martin', 'Médecine générale', 'Les Tilleuls'),
  agenda('leroy', 'Dr Paul Leroy', 'Dermatologie', 'Les Tilleuls'),
  agenda('gomez', 'Dr Inès Gómez', 'Médecine générale', 'Gare'),
  agenda('gone', 'Dr Anne Martin', 'Médecine générale', 'Les Tilleuls', false),
];
const ANY: AgendaChoice = { agendaIds: null, practitionerIds: null, locationIds: null, specialities: null, text: null };

test.each<[string, Partial<AgendaChoice>, string[]]>([
  ['everything but what is disabled', {}, ['martin', 'leroy', 'gomez']],
  ['by id', { agendaIds: ['leroy', 'gone'] }, ['leroy']],
  ['by practitioner or another', { practitionerIds: ['d-martin', 'd-gomez'] }, ['martin', 'gomez']],
  ['by place', { locationIds: ['l-Les Tilleuls'] }, ['martin', 'leroy']],
  ['by speciality, as it may be typed', { specialities: ['medecine GENERALE'] }, ['martin', 'gomez']],
  ['a speciality is whole', { specialities: ['médecine'] }, []],
  ['by speciality and place', { specialities: ['Médecine générale'], locationIds: ['l-Gare'] }, ['gomez']],
  ['by text: a profession and a place', { text: 'généraliste Tilleuls' }, ['martin']],
  ['by text: another profession', { text: 'DERMATOLOGUE' }, ['leroy']],
  ['by text: the beginning of a name, without its accent', { text: 'gome' }, ['gomez']],
  ['by text: every word', { text: 'martin gare' }, []],
  ['by text: signs are no words', { text: "%' -- gomez" }, ['gomez']],
])('chooses %s', (_, choice, chosen) => {
  expect(chooseAgendas(AGENDAS, { ...ANY, ...choice }).map(({ id }) => id)).toEqual(chosen);
});
