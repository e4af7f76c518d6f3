import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Events } from '#application';
import { Answers, Authentication, badInput, callerOf, Drain, Problem, Right } from '#platform';
import { Enforcement } from '../access/enforcement.js';
import { Zones } from '../shared/zones.js';
import { EventStream } from './event-stream.js';
import { eventPage, eventsQuery, viewEvent } from './events.schemas.js';

const MAX_STREAMS = 200;
const NEED = { action: 'see-busy' } as const;

@Controller('v1/events')
export class EventsController {
  private streams = 0;

  constructor(
    private readonly events: Events,
    private readonly zones: Zones,
    private readonly authentication: Authentication,
    private readonly enforcement: Enforcement,
    private readonly drain: Drain,
  ) {}

  /** The ordered log of changes: a page of it as JSON, or with `Accept: text/event-stream` the stream of it. */
  @Get()
  @Right('event:read', NEED.action, { query: true })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'Where a stream goes on after a cut.',
    schema: { type: 'string' },
  })
  @Answers({ 200: eventPage })
  async read(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query({ schema: eventsQuery }) query: z.output<typeof eventsQuery>,
  ): Promise<void> {
    const { organizationId } = callerOf(request);
    if (request.method === 'GET' && /\btext\/event-stream\b/.test(request.headers.accept ?? ''))
      return this.stream(request, reply, query.after);
    const { items, cursor } = await this.page(organizationId, query.after ?? null, query.limit);
    void reply.send({ items, nextCursor: cursor });
  }

  private async stream(request: FastifyRequest, reply: FastifyReply, after: string | undefined): Promise<void> {
    const { organizationId } = callerOf(request);
    if (this.streams >= MAX_STREAMS) throw new Problem('temporarily-unavailable', { retryAfterMs: 5000 });
    const last = request.headers['last-event-id'];
    const from = (typeof last === 'string' && last !== '' ? last : after) ?? (await this.events.latest(organizationId));
    // Before the answer begins: a bad position is still a problem, not a cut stream.
    await this.page(organizationId, from, 1);
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    reply.raw.setHeader('X-Accel-Buffering', 'no');
    reply.raw.setHeader('Connection', 'close');
    reply.raw.writeHead(200);
    const source = {
      after: (cursor: string | null, limit: number) => this.page(organizationId, cursor, limit),
      recheck: async () => {
        request.caller = await this.authentication.authenticate(request, 'event:read');
        await this.enforcement.again(request, NEED);
      },
    };
    this.streams += 1;
    try {
      await new EventStream(reply.raw, source, this.drain).run(from);
    } finally {
      this.streams -= 1;
    }
  }

  private async page(
    organizationId: string,
    after: string | null,
    limit: number,
  ): Promise<{ items: z.input<typeof eventPage>['items']; cursor: string | null }> {
    const { events, cursor } = await this.events
      .after({ organizationId, cursor: after, limit })
      .catch((error: unknown) => {
        throw error instanceof RangeError ? badInput('query.after', 'is not a position in this log') : error;
      });
    const agendaIds = events.flatMap(({ agendaId }) => agendaId ?? []);
    const zones =
      agendaIds.length === 0 ? new Map<string, string>() : await this.zones.ofAll(organizationId, agendaIds);
    const items = events.map((event) => viewEvent(event, zones.get(event.agendaId ?? '') ?? 'UTC'));
    return { items, cursor: cursor ?? after };
  }
}
