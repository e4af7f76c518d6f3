import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { USUAL_IDENTITY } from '#domain';
import { Links, Quarantine, type QuarantinedObject } from '#application';
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
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import {
  itemPage,
  itemPath,
  quarantineQuery,
  rawView,
  retryView,
  viewItem,
  type ItemPath,
} from './quarantine.schemas.js';

const position = z.tuple([z.uuid()]);
const COLLABORATOR = ['collaborator-required', 'collaborator-unknown', 'not-found'] as const;

@Controller('v1/links/:id/quarantine')
export class QuarantineController {
  constructor(
    private readonly quarantine: Quarantine,
    private readonly links: Links,
    private readonly zones: Zones,
  ) {}

  /** Objects of the practitioner’s agenda that could not be read, without what they hold. The rest goes on. */
  @Get()
  @Right('agenda:read', 'see-busy', { on: 'link', query: true })
  @Answers({ 200: itemPage }, 'not-found')
  async list(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id: linkId }: IdPath,
    @Query({ schema: quarantineQuery }) { limit, cursor }: z.output<typeof quarantineQuery>,
  ): Promise<z.input<typeof itemPage>> {
    const after = cursor === undefined ? null : decodeCursor(cursor, position)[0];
    const found = await this.quarantine.store.list({ organizationId, linkId, after, limit: limit + 1 });
    if (found === null) throw new Problem('not-found');
    const { page, nextCursor } = cutPage(found, limit, ({ id }) => [id]);
    const zone = await this.zone(organizationId, linkId);
    return { items: page.map((item) => viewItem(item, zone)), nextCursor };
  }

  /** One of them as it was received. It may name a patient: a right of its own, and every look is on record. */
  @Get(':item')
  @Right('quarantine:read', 'see-identity', { on: 'link', identity: USUAL_IDENTITY })
  @Answers({ 200: rawView }, ...COLLABORATOR)
  async raw(
    @CallerParam() caller: Caller,
    @Param({ schema: itemPath }) path: ItemPath,
  ): Promise<z.input<typeof rawView>> {
    const { organizationId } = caller;
    if (caller.collaboratorId === null) throw new Problem('collaborator-required');
    const found = await this.known(organizationId, path);
    const raw = await this.quarantine.store.raw(refOf(organizationId, path), actingAs(caller));
    if (raw === null) throw new Problem('not-found');
    return { ...viewItem(found, await this.zone(organizationId, path.id)), raw };
  }

  /** Reads the agenda anew: what can be read by now leaves the quarantine. */
  @Post(':item/retry')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true })
  @Answers({ 200: retryView, 202: retryView }, ...COLLABORATOR)
  async retry(
    @ExchangeParam() { caller: { organizationId }, reply, waitMs }: Exchange,
    @Param({ schema: itemPath }) path: ItemPath,
  ): Promise<z.input<typeof retryView>> {
    await this.known(organizationId, path);
    const health = await this.links.health(organizationId, path.id);
    if (health === null) throw new Problem('not-found');
    const run = this.quarantine.retry(organizationId, health.agendaId);
    const ran = await Promise.race([run, sleep(waitMs, 'busy' as const, { ref: false })]);
    void reply.code(ran === 'done' ? 200 : 202);
    return { readable: (await this.quarantine.store.get(refOf(organizationId, path))) === null };
  }

  /** Takes it off the list, until it changes. */
  @Post(':item/dismiss')
  @HttpCode(204)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, ...COLLABORATOR)
  async dismiss(@CallerParam() caller: Caller, @Param({ schema: itemPath }) path: ItemPath): Promise<void> {
    const dismissed = await this.quarantine.store.dismiss(refOf(caller.organizationId, path), actingAs(caller));
    if (!dismissed) throw new Problem('not-found');
  }

  private async known(organizationId: string, path: ItemPath): Promise<QuarantinedObject> {
    const found = await this.quarantine.store.get(refOf(organizationId, path));
    if (found === null) throw new Problem('not-found');
    return found;
  }

  private async zone(organizationId: string, linkId: string): Promise<string> {
    const health = await this.links.health(organizationId, linkId);
    return health === null ? 'UTC' : this.zones.of(organizationId, health.agendaId);
  }
}

function refOf(organizationId: string, { id, item }: ItemPath): { organizationId: string; linkId: string; id: string } {
  return { organizationId, linkId: id, id: item };
}
