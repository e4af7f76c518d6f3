import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CleanUp, healthOf, HealthStore, LinkLifecycle, type LinkDetails } from '#application';
import {
  Answers,
  badInput,
  CallerParam,
  ExchangeParam,
  isNotModified,
  Problem,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { connectionProblem } from '../connections/connection-problems.js';
import { disconnectionView, viewDisconnection } from '../disconnections/disconnections.schemas.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor, pageQuery } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import { linkChange, linkPage, linkView, viewLink } from './links.schemas.js';

const linksQuery = z.strictObject(pageQuery);
const disconnectQuery = z.strictObject({
  remote: z.enum(['keep', 'remove']).meta({
    description:
      'What becomes of what the hub wrote into the practitioner’s agenda. `remove` takes away what is not over yet. A visit that was cancelled is removed either way.',
  }),
});
const STOPPABLE = ['collaborator-required', 'collaborator-unknown', 'not-found'] as const;

/** Links as people see and change them. */
@Controller('v1/links')
export class LinkLifecycleController {
  constructor(
    private readonly lifecycle: LinkLifecycle,
    private readonly healths: HealthStore,
    private readonly cleanUp: CleanUp,
    private readonly zones: Zones,
  ) {}

  /** Every link, with its lights. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: linkPage })
  async list(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: linksQuery }) { limit, cursor }: z.output<typeof linksQuery>,
  ): Promise<z.input<typeof linkPage>> {
    const after = cursor === undefined ? null : decodeCursor(cursor, z.tuple([z.uuid()]))[0];
    const found = await this.lifecycle.list(organizationId, { after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ id }) => [id]);
    const ids = page.map(({ id }) => id);
    const facts = new Map((await this.healths.facts(organizationId, ids)).map((fact) => [fact.linkId, fact]));
    const items = page.flatMap((link) => {
      const known = facts.get(link.id);
      if (known === undefined) return [];
      const { read, write, light, advice } = healthOf(known);
      return [{ ...viewLink(link), read: read.light, write: write.light, light, advice: advice.code }];
    });
    return { items, nextCursor };
  }

  /** One link. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'link' })
  @Answers({ 200: linkView, 304: null }, 'not-found')
  async get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof linkView> | undefined> {
    const { caller, headers, reply } = exchange;
    const link = known(await this.lifecycle.get({ organizationId: caller.organizationId, id }));
    if (!isNotModified(headers, link.version)) return show(exchange, link);
    void reply.code(304).header('ETag', versionTag(link.version));
    return undefined;
  }

  /**
   * Changes policy, disclosure or direction. What was written before is brought to the new disclosure; a link that becomes
   * read-only gives the agenda back to the hub.
   */
  @Patch(':id')
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers(
    { 200: linkView },
    ...WRITE_PROBLEMS,
    ...([
      'not-found',
      'stale-version',
      'precondition-required',
      'backend-refused',
      'agenda-unreachable',
      'link-busy',
    ] as const),
  )
  async change(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: linkChange }) change: z.output<typeof linkChange>,
  ): Promise<z.input<typeof linkView>> {
    const { caller, headers } = exchange;
    const request = { version: requiredVersion(headers), change, actor: actingAs(caller) };
    const changed = await this.lifecycle.change({ organizationId: caller.organizationId, id }, request);
    switch (changed.outcome) {
      case 'unknown':
        throw new Problem('not-found');
      case 'stale':
        throw new Problem('stale-version');
      case 'busy':
        throw new Problem('link-busy');
      case 'not-writable':
        throw badInput('body.direction', 'cannot be two-way: the remote agenda is read-only');
      case 'failed':
        throw connectionProblem(changed);
      case 'changed':
        return show(exchange, changed.link);
    }
  }

  /** From now on nothing is read or written. Bookings follow what the agenda does when its copy is stale. */
  @Post(':id/pause')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: linkView }, ...STOPPABLE)
  async pause(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof linkView>> {
    const { caller } = exchange;
    const ref = { organizationId: caller.organizationId, id };
    return show(exchange, known(await this.lifecycle.pause(ref, actingAs(caller))));
  }

  /** Goes on: reads what happened meanwhile, then writes what waited. */
  @Post(':id/resume')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: linkView }, ...STOPPABLE)
  async resume(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof linkView>> {
    const { caller } = exchange;
    const ref = { organizationId: caller.organizationId, id };
    return show(exchange, known(await this.lifecycle.resume(ref, actingAs(caller))));
  }

  /**
   * Disconnects at once, even when the credential is dead: the appointments stay, and the hub masters the agenda again.
   * 202: what the hub wrote is still being removed. What stays behind is listed.
   */
  @Delete(':id')
  @Right('connection:manage', 'manage-links', { on: 'link', query: true })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true })
  @Answers({ 200: disconnectionView, 202: disconnectionView }, ...STOPPABLE)
  async disconnect(
    @ExchangeParam() { caller, reply, waitMs }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: disconnectQuery }) { remote }: z.output<typeof disconnectQuery>,
  ): Promise<z.input<typeof disconnectionView>> {
    const { organizationId } = caller;
    const ref = { organizationId, id };
    if ((await this.lifecycle.disconnect(ref, remote, actingAs(caller))) === null) throw new Problem('not-found');
    // What is not removed within the caller's patience, a worker removes.
    const run = this.cleanUp.run(organizationId, id).catch(() => undefined);
    await Promise.race([run, sleep(waitMs, undefined, { ref: false })]);
    const stands = await this.lifecycle.disconnection(ref);
    if (stands === null) throw new Problem('not-found');
    void reply.code(stands.state === 'done' ? 200 : 202);
    return viewDisconnection(stands, await this.zones.of(organizationId, stands.agendaId));
  }
}

function known(link: LinkDetails | null): LinkDetails {
  if (link === null) throw new Problem('not-found');
  return link;
}

function show({ reply }: Exchange, link: LinkDetails): z.input<typeof linkView> {
  void reply.header('ETag', versionTag(link.version));
  return viewLink(link);
}
