import { createHash } from 'node:crypto';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuditLog, feedStart, feedSummary, Feeds, type FeedVisit, type OpenFeed } from '#application';
import { publishedCalendar } from '#icalendar';
import { Answers, originOf, Problem, Public, RateLimiter } from '#platform';
import { FeedAddresses } from './feed-addresses.js';

const REFRESH_MINUTES = 15;
const TEXT_CONTENT = { 'text/calendar': { schema: { type: 'string' } } } as const;

@Controller('feeds')
export class PublishedController {
  constructor(
    private readonly feeds: Feeds,
    private readonly addresses: FeedAddresses,
    private readonly limiter: RateLimiter,
    private readonly audit: AuditLog,
  ) {}

  /** An agenda as a calendar (RFC 5545), for whoever knows its private address: from a month ago to the horizon. */
  @Get(':token.ics')
  @Public()
  @Answers({ 304: null }, 'not-found')
  @ApiResponse({ status: 200, description: 'The calendar.', content: TEXT_CONTENT })
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Param('token') token: string): Promise<void> {
    const { allowed, retryAfterMs } = this.limiter.take(`feeds|${request.ip}`);
    if (!allowed) throw new Problem('rate-limited', { retryAfterMs });
    const feed = await this.addresses.open(token);
    if (feed === null) throw new Problem('not-found');
    const from = feedStart(Date.now());
    const visits = await this.feeds.visits(feed, from);
    const text = calendarOf(feed, visits, from);
    const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
    void reply.headers({ ETag: tag, 'Cache-Control': 'private, max-age=300', 'X-Robots-Tag': 'noindex' });
    if (names(request.headers['if-none-match'], tag)) return void reply.code(304).send();
    const objects = visits.flatMap(({ appointmentId, patient }) => (patient === null ? [] : [appointmentId]));
    if (feed.disclosure !== 'busy' && objects.length > 0) {
      const actor = { kind: 'feed', origin: originOf(request) };
      await this.audit.note({
        organizationId: feed.organizationId,
        action: 'identity-read',
        entityId: feed.id,
        objects,
        actor,
      });
    }
    return void reply.type('text/calendar; charset=utf-8').send(text);
  }
}

function names(header: string | undefined, tag: string): boolean {
  return (header ?? '').split(',').some((part) => part.trim().replace(/^W\//, '') === tag || part.trim() === '*');
}

function calendarOf(feed: OpenFeed, visits: readonly FeedVisit[], from: number): string {
  return publishedCalendar({
    name: feed.agendaName,
    timeZone: feed.timeZone,
    from,
    refreshMinutes: REFRESH_MINUTES,
    events: visits.map((visit) => ({
      uid: `${visit.appointmentId}@feed.unisson`,
      sequence: visit.version,
      changedAt: visit.changedAt,
      start: visit.start,
      end: visit.end,
      summary: feedSummary(feed.disclosure, visit),
      status: visit.status === 'confirmed' ? 'CONFIRMED' : 'TENTATIVE',
    })),
  });
}
