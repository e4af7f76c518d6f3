import type { CallbackTask } from '#application';
import { repeatable } from '#platform';
import { z } from 'zod';
import { appointmentPath } from '../appointments/appointments.schemas.js';
import { actorView } from '../conflicts/conflicts.schemas.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

export const callbackTasksQuery = z.strictObject({
  ...pageQuery,
  agenda: repeatable(idInput, 50).optional(),
  state: z.enum(['open', 'done']).optional(),
});

const MESSAGES: Readonly<Record<CallbackTask['reason'], { fr: string; en: string }>> = {
  moved: {
    fr: 'Prévenir le patient : son rendez-vous a changé d’heure.',
    en: 'Tell the patient: the appointment has another time.',
  },
  cancelled: {
    fr: 'Prévenir le patient : son rendez-vous n’aura pas lieu.',
    en: 'Tell the patient: the appointment will not take place.',
  },
  refused: {
    fr: 'Prévenir le patient : l’agenda du praticien a refusé son rendez-vous.',
    en: "Tell the patient: the practitioner's agenda refused the appointment.",
  },
};

export const callbackTaskView = z
  .object({
    id: idView,
    appointment: idView,
    agenda: idView,
    reason: z.enum(['moved', 'cancelled', 'refused']),
    messages: z.object({ fr: z.string(), en: z.string() }),
    state: z.enum(['open', 'done']),
    createdBy: actorView,
    createdAt: instantView,
    doneBy: actorView.nullable(),
    doneAt: instantView.nullable(),
    links: z.object({ appointment: z.string(), done: z.string() }),
  })
  .meta({ id: 'CallbackTask', description: 'A patient who has to be called back; who it is, the appointment tells.' });

export const callbackTaskPage = pageView('CallbackTaskPage', callbackTaskView);

export function viewCallbackTask(task: CallbackTask, timeZone: string): z.input<typeof callbackTaskView> {
  const { id, appointmentId, agendaId, reason, createdBy, createdAt, doneBy, doneAt } = task;
  return {
    ...{ id, appointment: appointmentId, agenda: agendaId, reason, createdBy, doneBy },
    messages: MESSAGES[reason],
    state: doneAt === null ? 'open' : 'done',
    createdAt: formatInstant(createdAt, timeZone),
    doneAt: doneAt === null ? null : formatInstant(doneAt, timeZone),
    links: { appointment: appointmentPath(appointmentId), done: `/v1/callback-tasks/${id}/done` },
  };
}
