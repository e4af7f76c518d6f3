import { describe, expect, it } from '@jest/globals';
import { Directory } from './directory.js';
import { offered } from './openings.js';
import { availabilities, info as schema, type Slot } from './schemas.js';

const AGENDAS = [
  {
    id: 9,
    practice_id: 1,
    practitioner_id: 7,
    visit_motive_ids: [3],
    visit_motive_ids_by_practice_id: { '1': [3, 4] },
  },
  { id: 5, practice_id: 1, practitioner_id: null, visit_motive_ids: [4] },
  { id: 8, practice_id: 2, practitioner_id: 7, visit_motive_ids: [3] },
];
const MOTIVES = [
  { id: 3, name: 'Consultation' },
  { id: 4, name: 'E\u0301chographie' },
];

function directory(agendas: readonly object[] = AGENDAS, motives: readonly object[] = MOTIVES): Directory {
  return new Directory(schema.parse({ data: { profile: { id: 1 }, visit_motives: motives, agendas } }).data, 0);
}

describe('what a practice has set up', () => {
  it('names agendas by place and practitioner, and leaves equipment out', () => {
    expect(
      directory()
        .agendas()
        .map(({ id }) => id),
    ).toEqual(['practice-1/practitioner-7', 'practice-2/practitioner-7']);
    expect(directory().find('practice-2/practitioner-7')?.id).toBe(8);
    expect(directory().find('practice-2/practitioner-8')).toBeNull();
  });

  it('names by their number those that place and practitioner do not tell apart', () => {
    const twins = [AGENDAS[0] ?? {}, { ...AGENDAS[0], id: 10 }, { id: 11, practitioner_id: 7 }];
    expect(
      directory(twins)
        .agendas()
        .map(({ id }) => id),
    ).toEqual(['agenda-9', 'agenda-10', 'agenda-11']);
  });

  it('finds a motif by number or by name, however it is spelt', () => {
    expect(directory().motif('4').id).toBe(4);
    expect(directory().motif(' Échographie ').id).toBe(4);
    expect(() => directory().motif('Consultations')).toThrow('numbers that can be entered: 3, 4');
    const twins = [...MOTIVES, { id: 6, name: 'Consultation' }];
    expect(() => directory(AGENDAS, twins).motif('Consultation')).toThrow('the name of several');
  });

  it('asks in the order of the practice', () => {
    expect(directory().joined([8, 5, 9])).toBe('9-5-8');
  });

  it.each([
    [{ booking_disabled: true }, {}, 'AGENDA_DISABLED'],
    [{ booking_temporary_disabled: true }, {}, 'TEMP_DISABLED'],
    [{ visit_motive_ids_by_practice_id: { '1': [4] } }, {}, 'MOTIF'],
    [{ visit_motive_ids_only_for_doctors: [3] }, {}, 'AUDIENCE'],
    [
      {},
      { age_referral_restrictions: [{ agenda_ids: [9], age: { operator: 'between', age: 3, unit: 'years' } }] },
      'AGE',
    ],
  ])('says why a motif cannot be booked: %j %j', (ofAgenda, ofMotif, reason) => {
    const it = directory([{ ...AGENDAS[0], ...ofAgenda }], [{ ...MOTIVES[0], ...ofMotif }]);
    const [agenda] = it.agendas();
    expect(() => {
      it.requireBookable(agenda!.agenda, it.motif('3'));
    }).toThrow(reason);
  });

  it.each([
    [[], null],
    [[['lt', 3, 'years']], { minYears: 3, maxYears: null }],
    [[['gt', 16, 'years']], { minYears: null, maxYears: 16 }],
    [
      [
        ['lt', 18, 'months'],
        ['ge', 6, 'years'],
      ],
      { minYears: 2, maxYears: 5 },
    ],
    [
      [
        ['gt', 30, 'months'],
        ['lte', 0, 'years'],
      ],
      { minYears: 1, maxYears: 1 },
    ],
  ])('tells the ages that %j leaves', (restrictions, age) => {
    const of = (agenda: number) =>
      restrictions.map(([operator, years, unit]) => ({ agenda_ids: [agenda], age: { operator, age: years, unit } }));
    const [here, elsewhere] = [9, 8].map((agenda) =>
      directory(AGENDAS, [{ ...MOTIVES[0], age_referral_restrictions: of(agenda) }]),
    );
    expect(here!.restrictions(here!.numbered(9), here!.motif('3'))).toEqual({ newPatients: 'accepted', age });
    expect(elsewhere!.restrictions(elsewhere!.numbered(9), elsewhere!.motif('3')).age).toBeNull();
  });

  it('tells where new patients are refused', () => {
    const closed = directory(AGENDAS, [{ ...MOTIVES[0], new_patient_restrictions: [{ agenda_ids: [9] }] }]);
    const on = (agenda: number) => closed.restrictions(closed.numbered(agenda), closed.motif('3')).newPatients;
    expect([on(9), on(8)]).toEqual(['refused', 'accepted']);
  });
});

describe('slots', () => {
  const at = (time: string): number => Date.parse(`2027-06-07T${time}:00.000+02:00`);
  const bare = (time: string): Slot => ({ start: at(time), end: null, agendas: [] });

  it('without an end last as long as they lie apart', () => {
    expect(
      offered([bare('09:00'), bare('09:20'), bare('11:00')])?.map(({ start, end }) => (end - start) / 60_000),
    ).toEqual([20, 20, 20]);
  });

  it('that are too few to tell how long they are tell nothing', () => {
    expect(offered([bare('09:00')])).toBeNull();
    expect(offered([bare('09:00'), bare('18:00')])).toBeNull();
    expect(offered([{ ...bare('09:00'), end: at('09:30') }])).toEqual([{ start: at('09:00'), end: at('09:30') }]);
  });

  it('that there are none, is told', () => {
    expect(offered([])).toEqual([]);
  });
});

it('reads a slot in each of its spellings', () => {
  const at = '2027-06-07T09:00:00.000+02:00';
  const slots = [
    at,
    [at, '2027-06-07T09:30:00.000+02:00'],
    { start_date: at, steps: [{}, { agenda_id: 5, start_date: at }] },
    { start_date: at },
  ];
  const start = Date.parse(at);
  expect(availabilities.parse({ availabilities: [{ date: '2027-06-07', slots }] }).availabilities[0]?.slots).toEqual([
    { start, end: null, agendas: [] },
    { start, end: start + 1_800_000, agendas: [] },
    { start, end: null, agendas: [5] },
    { start, end: null, agendas: [] },
  ]);
  expect(() => availabilities.parse({ availabilities: [{ slots: ['tomorrow'] }] })).toThrow();
});
