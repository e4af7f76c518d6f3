import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Calendar, SearchSlots } from '#application';
import { Answers, CallerParam, Right, type Caller } from '#platform';
import { Consultants } from '../shared/consultants.js';
import { Asking, unknown } from './asking.js';
import {
  explainQuery,
  explanationView,
  nextSlotsQuery,
  slotsQuery,
  slotsView,
  suggestionsQuery,
  suggestionsView,
  viewExplanation,
  viewSlots,
  viewSuggestions,
} from './slots.schemas.js';

@Controller('v1/slots')
export class SlotsController {
  constructor(
    private readonly slots: SearchSlots,
    private readonly calendar: Calendar,
    private readonly asking: Asking,
    private readonly consultants: Consultants,
  ) {}

  /** Bookable slots in a window, each with how fresh what is known of its agenda is. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: slotsView }, 'not-found')
  async search(
    @CallerParam() caller: Caller,
    @Query({ schema: slotsQuery }) { from, to, limit, ...question }: z.output<typeof slotsQuery>,
  ): Promise<z.input<typeof slotsView>> {
    const { query, named } = await this.asking.query(caller, question);
    const found = await this.slots.search({ ...query, window: { start: from, end: to }, limit });
    if (found === null) throw unknown('query.motif');
    return viewSlots(found, named, await this.consultants.of(caller.organizationId, found.slots));
  }

  /** The first bookable slots from an instant on, over six months. */
  @Get('next')
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: slotsView }, 'not-found')
  async next(
    @CallerParam() caller: Caller,
    @Query({ schema: nextSlotsQuery }) { from, limit, ...question }: z.output<typeof nextSlotsQuery>,
  ): Promise<z.input<typeof slotsView>> {
    const { query, named } = await this.asking.query(caller, question);
    const found = await this.slots.next({ ...query, from: from ?? Date.now(), limit });
    if (found === null) throw unknown('query.motif');
    return viewSlots(found, named, await this.consultants.of(caller.organizationId, found.slots));
  }

  /** The best bookable slots of a window, each with what speaks for it: gaps filled, reserves kept, the patient's habits. */
  @Get('suggestions')
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: suggestionsView }, 'not-found')
  async suggest(
    @CallerParam() caller: Caller,
    @Query({ schema: suggestionsQuery }) { from, to, limit, ...question }: z.output<typeof suggestionsQuery>,
  ): Promise<z.input<typeof suggestionsView>> {
    const { query } = await this.asking.query(caller, question);
    const found = await this.slots.suggest({ ...query, window: { start: from, end: to }, limit });
    if (found === null) throw unknown('query.motif');
    return viewSuggestions(found, await this.consultants.of(caller.organizationId, found.slots));
  }

  /** Why an instant can be booked or not: everything that speaks against it, in order, and what would change that. */
  @Get('explain')
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: explanationView }, 'not-found')
  async explain(
    @CallerParam() caller: Caller,
    @Query({ schema: explainQuery }) query: z.output<typeof explainQuery>,
  ): Promise<z.input<typeof explanationView>> {
    const { organizationId } = caller;
    const { agenda: agendaId, motif: motifId, start, moving } = query;
    this.asking.note(organizationId, [agendaId]);
    const { patientOf = moving, ...patient } = query;
    const asker = { ...(await this.asking.asker(caller, { ...patient, patientOf })), moving: moving ?? null };
    const found = await this.slots.explain({ organizationId, agendaId, motifId, start, asker });
    if (found !== null) return viewExplanation(query, found);
    const [agenda] = await this.calendar.agendas(organizationId, [agendaId]);
    throw unknown(agenda === undefined ? 'query.agenda' : 'query.motif');
  }
}
