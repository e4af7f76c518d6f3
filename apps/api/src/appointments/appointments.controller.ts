import { Body, Controller, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Booking, Bookings, type AppointmentRecord } from '#application';
import { Answers, CallerParam, isNotModified, Problem, requiredIdempotency, requiredVersion, Right, versionTag, WaitMs, WriteHeaders, type Caller } from '#platform';
import { actingAs } from '../shared/acting.js';
import { idPath, newId } from '../shared/ids.js';
import { decodeCursor, encodeCursor } from '../shared/paging.js';
import { AppointmentAnswers } from './appointment-answers.js';
import { appointmentPage, appointmentsQuery, appointmentView, bookInput, cancelInput, moveInput, toPatient, type AppointmentView } from './appointments.schemas.js';

type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

const position = z.tuple([z.int(), z.uuid()]);

@Controller('v1/appointments')
export class AppointmentsController {
  constructor(
    private readonly booking: Booking,
    private readonly bookings: Bookings,
    private readonly answers: AppointmentAnswers,
  ) {}

  /** Books, from a hold or directly. 201: it stands in the practitioner's agenda. 202: not certain yet. */
  @Post()
  @Right('appointment:write')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers(
    { 201: appointmentView, 202: appointmentView },
    ...(['collaborator-required', 'idempotency-key-required', 'collaborator-unknown', 'not-found', 'slot-taken', 'hold-ended', 'idempotency-in-progress'] as const),
    ...(['body-too-large', 'unsupported-media-type', 'rule-refused', 'idempotency-key-reused', 'agenda-unreachable'] as const),
  )
  async book(
    @CallerParam() caller: Caller,
    @Body({ schema: bookInput }) body: z.output<typeof bookInput>,
    @Headers() headers: RequestHeaders,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AppointmentView> {
    const { organizationId } = caller;
    const key = requiredIdempotency(headers, ['POST /v1/appointments', body]);
    const request = { organizationId, actor: actingAs(caller), waitMs, key, patient: toPatient(body.patient) };
    const { hold, agenda, motif, start } = body;
    if (hold !== undefined) return this.answers.give(organizationId, reply, await this.booking.bookHold({ ...request, holdId: hold }), request.patient);
    if (agenda === undefined || motif === undefined || start === undefined) throw new Error('the schema let an appointment without a place through');
    const answer = await this.booking.book({ ...request, id: newId(), agendaId: agenda, motifId: motif, start });
    return this.answers.give(organizationId, reply, answer, request.patient);
  }

  /** Appointments and holds by start, a page at a time. */
  @Get()
  @Right('agenda:read')
  @Answers({ 200: appointmentPage })
  async list(@CallerParam() { organizationId }: Caller, @Query({ schema: appointmentsQuery }) query: z.output<typeof appointmentsQuery>): Promise<z.input<typeof appointmentPage>> {
    const { agenda = [], status = [], from = null, to = null, limit, cursor } = query;
    const at = cursor === undefined ? null : decodeCursor(cursor, position);
    const after = at && { start: at[0], id: at[1] };
    const found = await this.bookings.list({ organizationId, agendaIds: agenda, statuses: status, from, to, after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = last && found.length > limit ? encodeCursor([last.start, last.id]) : null;
    return { items: await this.answers.showAll(organizationId, page), nextCursor };
  }

  /** One appointment or hold. */
  @Get(':id')
  @Right('agenda:read')
  @Answers({ 200: appointmentView, 304: null }, 'not-found')
  async get(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: z.output<typeof idPath>,
    @Headers() headers: RequestHeaders,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AppointmentView | undefined> {
    const record = await this.known(organizationId, id);
    if (!isNotModified(headers, record.version)) return this.answers.show(organizationId, reply, { record });
    void reply.code(304).header('ETag', versionTag(record.version));
    return undefined;
  }

  /** Moves, or changes the motif. The old place is kept until the practitioner's agenda has followed. */
  @Patch(':id')
  @Right('appointment:write')
  @WriteHeaders({ idempotencyKey: 'none', prefer: true, ifMatch: 'required' })
  @Answers(
    { 200: appointmentView, 202: appointmentView },
    ...(['collaborator-required', 'collaborator-unknown', 'not-found', 'slot-taken', 'appointment-busy', 'appointment-ended', 'stale-version'] as const),
    ...(['body-too-large', 'unsupported-media-type', 'rule-refused', 'precondition-required', 'agenda-unreachable'] as const),
  )
  async move(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: z.output<typeof idPath>,
    @Body({ schema: moveInput }) { start = null, motif = null }: z.output<typeof moveInput>,
    @Headers() headers: RequestHeaders,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AppointmentView> {
    const { organizationId } = caller;
    const version = requiredVersion(headers);
    const answer = await this.booking.move({ organizationId, id, actor: actingAs(caller), waitMs, version, start, motifId: motif });
    return this.answers.give(organizationId, reply, answer);
  }

  /** Cancels. Cancelling what is cancelled already succeeds. */
  @Post(':id/cancel')
  @HttpCode(200)
  @Right('appointment:write')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true, ifMatch: 'optional' })
  @Answers(
    { 200: appointmentView, 202: appointmentView },
    ...(['collaborator-required', 'idempotency-key-required', 'collaborator-unknown', 'not-found', 'appointment-busy', 'appointment-ended'] as const),
    ...(['stale-version', 'body-too-large', 'unsupported-media-type', 'idempotency-key-reused', 'agenda-unreachable'] as const),
  )
  async cancel(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: z.output<typeof idPath>,
    @Body({ schema: cancelInput }) { reason }: z.output<typeof cancelInput>,
    @Headers() headers: RequestHeaders,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AppointmentView> {
    const { organizationId } = caller;
    const key = requiredIdempotency(headers, [`POST /v1/appointments/${id}/cancel`, reason]);
    const version = headers['if-match'] === undefined ? null : requiredVersion(headers);
    const answer = await this.booking.cancel({ organizationId, id, actor: actingAs(caller), waitMs, version, key, reason: { code: 'CANCELLED', text: reason } });
    return this.answers.give(organizationId, reply, answer);
  }

  private async known(organizationId: string, id: string): Promise<AppointmentRecord> {
    const record = await this.bookings.get({ organizationId, id });
    if (record === null) throw new Problem('not-found');
    return record;
  }
}
