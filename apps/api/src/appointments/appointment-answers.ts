import type { FastifyReply } from 'fastify';
import type { AppointmentRecord, BookingAnswer, Bookings, Patient } from '#application';
import { versionTag } from '#platform';
import type { Zones } from '../shared/zones.js';
import { appointmentPath, viewAppointment, type AppointmentView } from './appointments.schemas.js';
import { toProblem } from './refusals.js';

/** Turns what the use cases answer into HTTP: status, ETag, Location, body. */
export class AppointmentAnswers {
  constructor(
    private readonly bookings: Bookings,
    private readonly zones: Zones,
  ) {}

  /** `patient` when the request said who it is; else it is read. */
  async give(organizationId: string, reply: FastifyReply, answer: BookingAnswer, patient?: Patient | null): Promise<AppointmentView> {
    if (answer.outcome === 'refused') throw toProblem(answer);
    const { record, status } = answer;
    void reply.code(status);
    if (status !== 200) void reply.header('Location', appointmentPath(record.id));
    return this.show(organizationId, reply, { record, patient });
  }

  async show(organizationId: string, reply: FastifyReply, shown: { record: AppointmentRecord; patient?: Patient | null | undefined }): Promise<AppointmentView> {
    const { record } = shown;
    void reply.header('ETag', versionTag(record.version));
    const patient = shown.patient === undefined ? ((await this.bookings.patients(organizationId, [record.id])).get(record.id) ?? null) : shown.patient;
    return viewAppointment(record, await this.zones.of(organizationId, record.agendaId), patient);
  }

  async showAll(organizationId: string, records: readonly AppointmentRecord[]): Promise<AppointmentView[]> {
    if (records.length === 0) return [];
    const [patients, zones] = await Promise.all([
      this.bookings.patients(
        organizationId,
        records.map(({ id }) => id),
      ),
      this.zones.ofAll(
        organizationId,
        records.map(({ agendaId }) => agendaId),
      ),
    ]);
    return records.map((record) => viewAppointment(record, zones.get(record.agendaId) ?? 'UTC', patients.get(record.id) ?? null));
  }
}
