import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Brake, type BrakeRecord } from '#application';
import {
  Answers,
  ExchangeParam,
  Problem,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Exchange,
} from '#platform';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import { brakeQuery, brakeView, viewBrake } from './brake.schemas.js';

const position = z.tuple([z.string()]);
const FIRST_PAGE = { limit: 50 };

@Controller('v1/links/:id/brake')
export class BrakeController {
  constructor(
    private readonly brake: Brake,
    private readonly zones: Zones,
  ) {}

  /** What would be deleted, if anything is held back until a person has looked. The ETag names what is held. */
  @Get()
  @Right('agenda:read', 'see-busy', { on: 'link', query: true })
  @Answers({ 200: brakeView }, 'not-found')
  async get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: brakeQuery }) query: z.output<typeof brakeQuery>,
  ): Promise<z.input<typeof brakeView>> {
    return this.show(exchange, await this.known(exchange, id), query);
  }

  /**
   * Lets exactly the deletions through that were seen (`If-Match`), and reads the agenda anew. 200: carried out. 202: under
   * way. What came to be missing since is held anew.
   */
  @Post('release')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'none', prefer: true, ifMatch: 'required' })
  @Answers(
    { 200: brakeView, 202: brakeView },
    ...([
      'collaborator-required',
      'collaborator-unknown',
      'not-found',
      'stale-version',
      'precondition-required',
    ] as const),
  )
  async release(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof brakeView>> {
    const { caller, headers, reply, waitMs } = exchange;
    const { agendaId } = await this.known(exchange, id);
    const release = { organizationId: caller.organizationId, linkId: id, agendaId };
    const released = await this.brake.release({
      ...release,
      revision: requiredVersion(headers),
      actor: actingAs(caller),
    });
    if (released === null) throw new Problem('stale-version');
    const done = await Promise.race([released.carriedOut, sleep(waitMs, false, { ref: false })]);
    void reply.code(done ? 200 : 202);
    return this.show(exchange, await this.known(exchange, id), FIRST_PAGE);
  }

  private async known({ caller }: Exchange, id: string): Promise<BrakeRecord> {
    const record = await this.brake.get(caller.organizationId, id);
    if (record === null) throw new Problem('not-found');
    return record;
  }

  private async show(
    { caller, reply }: Exchange,
    record: BrakeRecord,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<z.input<typeof brakeView>> {
    const { organizationId } = caller;
    const after = cursor === undefined ? null : decodeCursor(cursor, position)[0];
    const found = await this.brake.held({ organizationId, linkId: record.linkId, after, limit: limit + 1 });
    const { page: items, nextCursor } = cutPage(found, limit, ({ remoteId }) => [remoteId]);
    void reply.header('ETag', versionTag(record.revision));
    return viewBrake(record, { items, nextCursor }, await this.zones.of(organizationId, record.agendaId));
  }
}
