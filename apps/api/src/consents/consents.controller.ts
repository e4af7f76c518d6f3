import { Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Consents } from '#application';
import {
  Answers,
  CallerParam,
  issueFeedToken,
  parseFeedToken,
  Problem,
  Public,
  RateLimiter,
  Right,
  WriteHeaders,
  type Caller,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { viewExpiry } from '../connections/connections.schemas.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { consentPage } from './consent-page.js';
import { callbackQuery, consentView } from './consents.schemas.js';

const HTML = { 'text/html': { schema: { type: 'string' } } } as const;

@Controller('v1')
export class ConsentsController {
  constructor(
    private readonly consents: Consents,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * Asks for a person's consent to a connection: open `url` in that person's browser, within ten minutes. Asking again
   * makes the former address useless. What was granted is tried, and takes the place of the connection's secrets.
   */
  @Post('connections/:id/consent')
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: consentView }, ...WRITE_PROBLEMS, 'not-found', 'consent-unavailable')
  async ask(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof consentView>> {
    const { organizationId } = caller;
    const { text: state, secretHash: stateHash } = issueFeedToken(organizationId, id);
    const begun = await this.consents.begin({ organizationId, id }, { state, stateHash, actor: actingAs(caller) });
    if (begun.outcome === 'connection-unknown') throw new Problem('not-found');
    if (begun.outcome !== 'begun')
      throw new Problem('consent-unavailable', {
        code: begun.outcome === 'no-public-url' ? 'NO_PUBLIC_URL' : 'NO_CONSENT',
      });
    return { url: begun.url, expiresAt: viewExpiry(begun.expiresAt) ?? '' };
  }

  /** Where a browser comes back to from a consent page. Its right is the state: good once, for ten minutes. */
  @Get('consents/callback')
  @Public()
  @ApiQuery({ name: 'state', required: true, schema: { type: 'string' } })
  @ApiQuery({ name: 'code', required: false, schema: { type: 'string' }, description: 'What is exchanged for access.' })
  @ApiQuery({ name: 'error', required: false, schema: { type: 'string' }, description: 'Why there is no code.' })
  @ApiResponse({ status: 200, description: 'Access was granted and tried.', content: HTML })
  @ApiResponse({ status: 403, description: 'The person denied access.', content: HTML })
  @ApiResponse({
    status: 410,
    description: 'The state is unknown, was used or replaced, or is too old.',
    content: HTML,
  })
  @ApiResponse({
    status: 422,
    description: 'What was granted is refused, too little, or another account.',
    content: HTML,
  })
  @ApiResponse({ status: 503, description: 'The backend cannot be reached.', content: HTML })
  @Answers({})
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Query() query: unknown): Promise<void> {
    const { allowed, retryAfterMs } = this.limiter.take(`consents|${request.ip}`);
    if (!allowed) throw new Problem('rate-limited', { retryAfterMs });
    const { state = '', code, error } = callbackQuery.parse(query);
    const named = parseFeedToken(state);
    const finished =
      named === null || (code === undefined && error === undefined)
        ? { outcome: 'over' as const }
        : await this.consents.finish(
            { organizationId: named.organizationId, connectionId: named.keyId, stateHash: named.secretHash },
            error === undefined ? (code ?? null) : null,
          );
    const { status, html } = consentPage(finished);
    void reply.header('X-Robots-Tag', 'noindex').code(status).type('text/html; charset=utf-8').send(html);
  }
}
