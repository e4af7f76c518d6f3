import type { AgendaRules, AgendaSettings } from '#application';
import { HOLIDAY_CALENDARS } from '#domain';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView, timeZoneView } from '../shared/instants.js';
import { dateInput, listOf, versionView } from '../shared/rule-fields.js';

const settings = {
  capacity: z.int().min(1).max(50).meta({ description: 'Appointments that may stand at one time.' }),
  active: z.boolean().meta({ description: 'Nothing is booked in an agenda that is not.' }),
  whenUnreachable: z
    .enum(['refuse', 'queue'])
    .meta({ description: 'What a booking does while the practitioner’s own tool cannot be reached.' }),
  holidayCalendar: z
    .enum(HOLIDAY_CALENDARS)
    .nullable()
    .meta({ description: 'On whose public holidays the agenda is closed; null: none.' }),
  workedHolidays: listOf(dateInput, 200).meta({
    description: 'Public holidays on which the practitioner works all the same, local dates.',
  }),
};

export const settingsChange = z.strictObject(settings).partial().meta({ id: 'AgendaChange' });

export const settingsView = z
  .object({
    ...settings,
    id: idView,
    timeZone: timeZoneView,
    openedUntil: instantView.nullable().meta({ description: 'Up to when its rules are expanded; null: not yet.' }),
    version: versionView,
  })
  .meta({ id: 'AgendaSettings' });

export function toSettings(change: z.output<typeof settingsChange>): Partial<AgendaSettings> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

export function viewSettings(rules: AgendaRules): z.input<typeof settingsView> {
  const { agendaId, timeZone, openedUntil, version } = rules;
  return {
    ...rules.settings,
    workedHolidays: [...rules.settings.workedHolidays],
    ...{ id: agendaId, timeZone, version },
    openedUntil: openedUntil === 0 ? null : formatInstant(openedUntil, timeZone),
  };
}
