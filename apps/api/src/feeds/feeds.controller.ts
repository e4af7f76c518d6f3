import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Feeds, newId } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { pageById } from '../shared/paging.js';
import { Repeats } from '../shared/repeats.js';
import { Zones } from '../shared/zones.js';
import { FeedAddresses } from './feed-addresses.js';
import { createdFeedView, feedInput, feedPage, feedsQuery, viewFeed } from './feeds.schemas.js';

@Controller('v1')
export class FeedsController {
  constructor(
    private readonly feeds: Feeds,
    private readonly addresses: FeedAddresses,
    private readonly repeats: Repeats,
    private readonly zones: Zones,
  ) {}

  /** Publishes an agenda at a private address that any calendar application can subscribe to. */
  @Post('agendas/:id/feeds')
  @Right('connection:manage', 'manage-links', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers(
    { 201: createdFeedView },
    ...WRITE_PROBLEMS,
    'not-found',
    'idempotency-key-reused',
    'idempotency-in-progress',
  )
  async create(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Body({ schema: feedInput }) body: z.output<typeof feedInput>,
  ): Promise<z.input<typeof createdFeedView>> {
    const { caller } = exchange;
    const { organizationId } = caller;
    const asked = [`POST /v1/agendas/${agendaId}/feeds`, body];
    // The answer that is kept for repeats must not hold the address: it would be a secret in clear.
    let told: string | null = null;
    const answer = await this.repeats.once(exchange, asked, async () => {
      const id = newId();
      const { url, tokenHash } = this.addresses.issue(organizationId, id);
      const made = await this.feeds.create({
        organizationId,
        id,
        agendaId,
        ...body,
        tokenHash,
        actor: actingAs(caller),
      });
      if (made === null) throw new Problem('not-found');
      told = url;
      return { status: 201, body: viewFeed(made, await this.zones.of(organizationId, agendaId)), resource: id };
    });
    return { ...answer, url: told };
  }

  /** The feeds of an agenda that were not revoked, without their addresses. */
  @Get('agendas/:id/feeds')
  @Right('connection:manage', 'manage-links', { on: 'agenda', query: true })
  @Answers({ 200: feedPage }, 'not-found')
  async list(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id: agendaId }: IdPath,
    @Query({ schema: feedsQuery }) query: z.output<typeof feedsQuery>,
  ): Promise<z.input<typeof feedPage>> {
    const feeds = await this.feeds.list(organizationId, agendaId);
    if (feeds === null) throw new Problem('not-found');
    const { page, nextCursor } = pageById(feeds, query);
    const timeZone = await this.zones.of(organizationId, agendaId);
    return { items: page.map((feed) => viewFeed(feed, timeZone)), nextCursor };
  }

  /** Revokes a feed: its address opens nothing from now on. */
  @Delete('feeds/:id')
  @HttpCode(204)
  @Right('connection:manage', 'manage-links', { on: 'feed' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, 'collaborator-required', 'collaborator-unknown', 'not-found')
  async revoke(@CallerParam() caller: Caller, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const { organizationId } = caller;
    if (!(await this.feeds.revoke({ organizationId, id, actor: actingAs(caller) }))) throw new Problem('not-found');
  }
}
