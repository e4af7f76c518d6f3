import { Controller, Get, Param } from '@nestjs/common';
import type { z } from 'zod';
import { LinkLifecycle } from '#application';
import { Answers, CallerParam, Problem, Right, type Caller } from '#platform';
import { idPath, type IdPath } from '../shared/ids.js';
import { Zones } from '../shared/zones.js';
import { disconnectionView, viewDisconnection } from './disconnections.schemas.js';

@Controller('v1/disconnections')
export class DisconnectionsController {
  constructor(
    private readonly lifecycle: LinkLifecycle,
    private readonly zones: Zones,
  ) {}

  /** How the end of a link goes, by the link's id: what was removed, and what stays behind. */
  @Get(':id')
  @Right('connection:manage', 'manage-links', { on: 'disconnection' })
  @Answers({ 200: disconnectionView }, 'not-found')
  async get(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof disconnectionView>> {
    const stands = await this.lifecycle.disconnection({ organizationId, id });
    if (stands === null) throw new Problem('not-found');
    return viewDisconnection(stands, await this.zones.of(organizationId, stands.agendaId));
  }
}
