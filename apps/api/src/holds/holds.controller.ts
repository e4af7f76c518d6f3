import { Body, Controller, Delete, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Booking, Bookings } from '#application';
import { Answers, CallerParam, Problem, requiredIdempotency, Right, WaitMs, WriteHeaders, type Caller } from '#platform';
import { AppointmentAnswers } from '../appointments/appointment-answers.js';
import { appointmentView, type AppointmentView } from '../appointments/appointments.schemas.js';
import { actingAs } from '../shared/acting.js';
import { idPath, newId } from '../shared/ids.js';
import { holdInput } from './holds.schemas.js';

@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly booking: Booking,
    private readonly bookings: Bookings,
    private readonly answers: AppointmentAnswers,
  ) {}

  /** Keeps a slot while the patient is on the phone; it ends by itself. */
  @Post()
  @Right('appointment:write')
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers(
    { 201: appointmentView },
    ...(['collaborator-required', 'idempotency-key-required', 'collaborator-unknown', 'not-found', 'slot-taken', 'idempotency-in-progress'] as const),
    ...(['body-too-large', 'unsupported-media-type', 'rule-refused', 'idempotency-key-reused', 'agenda-unreachable'] as const),
  )
  async place(
    @CallerParam() caller: Caller,
    @Body({ schema: holdInput }) body: z.output<typeof holdInput>,
    @Headers() headers: Readonly<Record<string, string | string[] | undefined>>,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AppointmentView> {
    const { organizationId } = caller;
    const { agenda, motif, start, seconds } = body;
    const key = requiredIdempotency(headers, ['POST /v1/holds', body]);
    const place = { id: newId(), agendaId: agenda, motifId: motif, start, holdSeconds: seconds };
    const answer = await this.booking.hold({ organizationId, actor: actingAs(caller), waitMs, key, ...place });
    return this.answers.give(organizationId, reply, answer, null);
  }

  /** Gives a hold back. Giving back one that has ended succeeds. */
  @Delete(':id')
  @HttpCode(204)
  @Right('appointment:write')
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, 'collaborator-required', 'collaborator-unknown', 'not-found', 'hold-ended')
  async release(@CallerParam() caller: Caller, @Param({ schema: idPath }) { id }: z.output<typeof idPath>): Promise<void> {
    const ref = { organizationId: caller.organizationId, id };
    if (await this.booking.release(ref, actingAs(caller))) return;
    const record = await this.bookings.get(ref);
    if (record === null) throw new Problem('not-found');
    if (record.status !== 'expired') throw new Problem('hold-ended', { code: 'HOLD_ENDED' });
  }
}
