import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Succession } from '#application';
import {
  Answers,
  badInput,
  ExchangeParam,
  Problem,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { connectionProblem } from '../connections/connection-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Repeats } from '../shared/repeats.js';
import { relinkInput, relinkView, viewLink } from './links.schemas.js';

/** Why a link is not taken up again. */
const REFUSED = {
  unknown: () => new Problem('not-found'),
  'not-moved': () => new Problem('not-moved'),
  stale: () => new Problem('stale-version'),
  taken: () => new Problem('already-exists'),
  'connection-unknown': () => badInput('body.connection', 'is not known'),
  'other-kind': () => badInput('body.connection', 'does not lead to the vendor that the agenda has gone to'),
  'remote-agenda-unknown': () => badInput('body.remoteAgenda', 'is not an agenda of this connection'),
  'not-writable': () => badInput('body.connection', 'cannot write into the agenda'),
} as const;

/** Links whose agenda has gone to another vendor. */
@Controller('v1/links')
export class SuccessionController {
  constructor(
    private readonly succession: Succession,
    private readonly repeats: Repeats,
  ) {}

  /**
   * Takes a link up again where its agenda has gone. What the former vendor carried over is recognised, not written
   * twice; holds, bookings and the waiting list stay. First `rehearse`: its ETag, sent as If-Match, approves what was seen.
   */
  @Post(':id/relink')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'link' })
  @WriteHeaders({ idempotencyKey: 'optional', ifMatch: 'optional' })
  @Answers(
    { 200: relinkView },
    ...WRITE_PROBLEMS,
    ...([
      'not-found',
      'not-moved',
      'stale-version',
      'precondition-required',
      'already-exists',
      'backend-refused',
      'agenda-unreachable',
      'idempotency-key-reused',
      'idempotency-in-progress',
    ] as const),
  )
  async relink(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: relinkInput }) body: z.output<typeof relinkInput>,
  ): Promise<z.input<typeof relinkView>> {
    const { caller, headers, reply } = exchange;
    const { connection: connectionId, remoteAgenda: remoteAgendaId, rehearse } = body;
    return this.repeats.once(exchange, [`POST /v1/links/${id}/relink`, body], async () => {
      const approved = rehearse ? null : requiredVersion(headers);
      const request = { connectionId, remoteAgendaId, approved, actor: actingAs(caller) };
      const done = await this.succession.relink({ organizationId: caller.organizationId, id }, request);
      if (done.outcome === 'failed') throw connectionProblem(done);
      if (done.outcome !== 'relinked' && done.outcome !== 'rehearsed') throw REFUSED[done.outcome]();
      if (rehearse) void reply.header('ETag', versionTag(done.version));
      const view = { done: done.outcome === 'relinked', link: viewLink(done.link), ...done.takenUp };
      return { status: 200, body: view, resource: id };
    });
  }
}
