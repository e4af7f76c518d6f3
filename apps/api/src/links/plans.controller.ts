import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Approval, LinkLifecycle } from '#application';
import {
  Answers,
  ExchangeParam,
  isNotModified,
  Problem,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Zones } from '../shared/zones.js';
import { linkView, viewLink } from './links.schemas.js';
import { planView, viewPlan } from './plans.schemas.js';

/** The first synchronisation, seen before it is done. */
@Controller('v1/links')
export class PlansController {
  constructor(
    private readonly approval: Approval,
    private readonly lifecycle: LinkLifecycle,
    private readonly zones: Zones,
  ) {}

  /** What the first synchronisation would do, on both sides. Nothing of it is done before it is approved. */
  @Get(':id/plan')
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @Answers({ 200: planView, 304: null }, 'not-found', 'plan-missing')
  async plan(
    @ExchangeParam() { caller, headers, reply }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof planView> | undefined> {
    const ref = { organizationId: caller.organizationId, id };
    const link = await this.lifecycle.get(ref);
    if (link === null) throw new Problem('not-found');
    const stored = await this.approval.plan(ref);
    if (stored === null) throw new Problem('plan-missing', { retryAfterMs: 1_000 });
    void reply.header('ETag', versionTag(stored.version));
    if (isNotModified(headers, stored.version)) {
      void reply.code(304);
      return undefined;
    }
    return viewPlan(id, stored, await this.zones.of(caller.organizationId, link.agendaId));
  }

  /** Begins exactly what the plan says. When anything has changed since: 412, and the plan is made anew. */
  @Post(':id/approve')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true, ifMatch: 'required' })
  @Answers(
    { 200: linkView },
    ...WRITE_PROBLEMS,
    ...(['not-found', 'plan-missing', 'stale-version', 'precondition-required', 'agenda-unreachable'] as const),
  )
  async approve(
    @ExchangeParam() { caller, headers, reply, waitMs }: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof linkView>> {
    const ref = { organizationId: caller.organizationId, id };
    const request = { version: requiredVersion(headers), actor: actingAs(caller), waitMs };
    const approved = await this.approval.approve(ref, request);
    switch (approved.outcome) {
      case 'unknown':
        throw new Problem('not-found');
      case 'not-planned':
        throw new Problem('plan-missing');
      case 'stale':
        throw new Problem('stale-version');
      case 'unreachable':
        throw new Problem('agenda-unreachable', { code: 'AGENDA_UNREACHABLE', retryAfterMs: 5_000 });
      case 'approved':
        void reply.header('ETag', versionTag(approved.link.version));
        return viewLink(approved.link);
    }
  }
}
