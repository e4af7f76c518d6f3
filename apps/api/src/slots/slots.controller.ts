import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Calendar, SearchSlots, type SlotsFound } from '#application';
import { Answers, CallerParam, Problem, Right, type Caller } from '#platform';
import { Consultants } from '../shared/consultants.js';
import { Demand } from '../shared/demand.js';
import { nextSlotsQuery, slotsQuery, slotsView, viewSlots } from './slots.schemas.js';

@Controller('v1/slots')
export class SlotsController {
  constructor(
    private readonly slots: SearchSlots,
    private readonly calendar: Calendar,
    private readonly demand: Demand,
    private readonly consultants: Consultants,
  ) {}

  /** Bookable slots in a window, each with how fresh what is known of its agenda is. */
  @Get()
  @Right('agenda:read', { query: true })
  @Answers({ 200: slotsView }, 'not-found')
  async search(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: slotsQuery }) query: z.output<typeof slotsQuery>,
  ): Promise<z.input<typeof slotsView>> {
    const agendaIds = await this.asked(organizationId, query);
    const window = { start: query.from, end: query.to };
    return this.answer(
      organizationId,
      await this.slots.search({ organizationId, agendaIds, motifId: query.motif, window, limit: query.limit }),
      agendaIds,
    );
  }

  /** The first bookable slots from an instant on. */
  @Get('next')
  @Right('agenda:read', { query: true })
  @Answers({ 200: slotsView }, 'not-found')
  async next(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: nextSlotsQuery }) query: z.output<typeof nextSlotsQuery>,
  ): Promise<z.input<typeof slotsView>> {
    const agendaIds = await this.asked(organizationId, query);
    const from = query.from ?? Date.now();
    return this.answer(
      organizationId,
      await this.slots.next({ organizationId, agendaIds, motifId: query.motif, from, limit: query.limit }),
      agendaIds,
    );
  }

  private async asked(
    organizationId: string,
    { agenda, motif }: { agenda?: string[] | undefined; motif: string },
  ): Promise<readonly string[]> {
    const motifs = agenda === undefined ? await this.calendar.motifs(organizationId) : [];
    const asked = agenda ?? motifs.find(({ id }) => id === motif)?.agendaIds ?? [];
    this.demand.note(organizationId, asked);
    return [...new Set(asked)];
  }

  private async answer(
    organizationId: string,
    found: SlotsFound | null,
    agendaIds: readonly string[],
  ): Promise<z.input<typeof slotsView>> {
    if (found === null) throw new Problem('not-found', { errors: [{ path: 'query.motif', message: 'is not known' }] });
    return viewSlots(found, agendaIds, await this.consultants.of(organizationId, found.slots));
  }
}
