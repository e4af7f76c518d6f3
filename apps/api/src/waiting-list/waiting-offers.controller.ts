import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { WaitingList, WaitingOffers } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  requiredIdempotency,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { AppointmentAnswers } from '../appointments/appointment-answers.js';
import { BOOKING_PROBLEMS } from '../appointments/appointment-problems.js';
import { appointmentView, type AppointmentView } from '../appointments/appointments.schemas.js';
import { actingAs, termsOf } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import { acceptInput, offerPage, offersQuery, offerView, viewOffer } from './waiting-offers.schemas.js';

const position = z.tuple([z.number(), z.uuid()]);

@Controller('v1/waiting-list/offers')
export class WaitingOffersController {
  constructor(
    private readonly list: WaitingList,
    private readonly offers: WaitingOffers,
    private readonly answers: AppointmentAnswers,
    private readonly zones: Zones,
  ) {}

  /** Slots that are kept for patients who wait, for a secretary to call them; oldest first. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: offerPage })
  async all(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: offersQuery }) query: z.output<typeof offersQuery>,
  ): Promise<z.input<typeof offerPage>> {
    const { agenda: agendaIds = [], state: states = ['open'], limit, cursor } = query;
    const at = cursor === undefined ? null : decodeCursor(cursor, position);
    const after = at && { at: at[0], id: at[1] };
    const found = await this.offers.list({ organizationId, agendaIds, states, after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ madeAt, id }) => [madeAt, id]);
    const zones = await this.zones.ofAll(
      organizationId,
      page.map(({ agendaId }) => agendaId),
    );
    return { items: page.map((offer) => viewOffer(offer, zones.get(offer.agendaId) ?? 'UTC')), nextCursor };
  }

  /** The patient takes it: books the hold. 201: it stands in the practitioner's agenda. 202: not certain yet. */
  @Post(':id/accept')
  @Right('appointment:write', 'create', { on: 'waiting-offer' })
  @WriteHeaders({ idempotencyKey: 'required', prefer: true })
  @Answers({ 201: appointmentView, 202: appointmentView }, ...BOOKING_PROBLEMS, 'hold-ended', 'waiting-ended')
  async accept(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: acceptInput }) body: z.output<typeof acceptInput>,
  ): Promise<AppointmentView> {
    const { caller, headers, waitMs } = exchange;
    const key = requiredIdempotency(headers, [`POST /v1/waiting-list/offers/${id}/accept`, body]);
    const terms = termsOf(caller, { acknowledged: body.acknowledgeDouble });
    const request = { organizationId: caller.organizationId, id, actor: actingAs(caller), waitMs, key, terms };
    const answer = await this.list.accept({ ...request, answers: body.answers });
    if (answer === null) throw new Problem('not-found');
    if (answer === 'ended') throw new Problem('waiting-ended');
    return this.answers.give(exchange, answer);
  }

  /** The patient does not take it: the slot goes to the next, and never to him again. Refusing again succeeds. */
  @Post(':id/refuse')
  @HttpCode(200)
  @Right('appointment:write', 'create', { on: 'waiting-offer' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: offerView }, 'collaborator-required', 'collaborator-unknown', 'not-found', 'waiting-ended')
  async refuse(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof offerView>> {
    const { organizationId } = caller;
    const offer = await this.list.refuse({ organizationId, id }, actingAs(caller));
    if (offer === null) throw new Problem('not-found');
    if (offer === 'ended') throw new Problem('waiting-ended');
    return viewOffer(offer, await this.zones.of(organizationId, offer.agendaId));
  }
}
