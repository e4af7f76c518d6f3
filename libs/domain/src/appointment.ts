/**
 * States of an appointment. All but the three dead ones keep their claims: the slot stays taken while anything is
 * uncertain.
 *
 * - `held`: an option while the patient is on the phone; ends by the database's clock.
 * - `pending`: booked here, not yet certain in the practitioner's agenda.
 * - `unknown`: a write was sent and its outcome is not known.
 * - `confirmed`: the practitioner's own agenda holds it (read back), or the hub masters that agenda.
 * - `compensating`: being removed there; ends `cancelled` or `refused`.
 * - `conflict`: two truths that policy cannot reconcile; a person decides.
 */
export const APPOINTMENT_STATUSES = [
  'held',
  'pending',
  'unknown',
  'confirmed',
  'compensating',
  'conflict',
  'cancelled',
  'refused',
  'expired',
] as const;

export type AppointmentStatus = (typeof APPOINTMENT_STATUSES)[number];

const DEAD: ReadonlySet<AppointmentStatus> = new Set(['cancelled', 'refused', 'expired']);

/** True when the appointment keeps its claims. */
export function isLive(status: AppointmentStatus): boolean {
  return !DEAD.has(status);
}
