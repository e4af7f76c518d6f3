import { Controller, Get, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Calendar } from '#application';
import { Answers, CallerParam, Right, type Caller } from '#platform';
import { pageById } from '../shared/paging.js';
import { agendaPage, agendasQuery, viewAgenda } from './agendas.schemas.js';

@Controller('v1/agendas')
export class AgendasController {
  constructor(private readonly calendar: Calendar) {}

  /** Agendas of the organization, each with its practitioner, place and freshness. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: agendaPage })
  async list(
    @CallerParam() caller: Caller,
    @Query({ schema: agendasQuery }) query: z.output<typeof agendasQuery>,
  ): Promise<z.input<typeof agendaPage>> {
    const { page, nextCursor } = pageById(await this.calendar.agendas(caller.organizationId, null), query);
    return { items: page.map(viewAgenda), nextCursor };
  }
}
