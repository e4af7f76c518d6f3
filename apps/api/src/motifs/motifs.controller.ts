import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Calendar } from '#application';
import { Answers, CallerParam, Right, type Caller } from '#platform';
import { pageById } from '../shared/paging.js';
import { motifPage, motifsQuery, viewMotif } from './motifs.schemas.js';

@Controller('v1/motifs')
export class MotifsController {
  constructor(private readonly calendar: Calendar) {}

  /** Visit reasons that can be booked. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: motifPage })
  async list(
    @CallerParam() caller: Caller,
    @Query({ schema: motifsQuery }) query: z.output<typeof motifsQuery>,
  ): Promise<z.input<typeof motifPage>> {
    const { agenda } = query;
    const motifs = await this.calendar.motifs(caller.organizationId);
    const offered = agenda === undefined ? motifs : motifs.filter(({ agendaIds }) => agendaIds.includes(agenda));
    const { page, nextCursor } = pageById(offered, query);
    return { items: page.map(viewMotif), nextCursor };
  }
}
