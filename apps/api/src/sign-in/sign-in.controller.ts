import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { SignIn, SignInStore, type SignInFinished } from '#application';
import { Answers, AttemptGuard, parseFeedToken, Problem, Public, RateLimiter, SessionCookie } from '#platform';
import { pageHtml } from '../shared/page.js';
import { signInPage } from './sign-in-page.js';
import { callbackQuery, providerList, providersQuery, signInQuery } from './sign-in.schemas.js';

const HTML = { 'text/html': { schema: { type: 'string' } } } as const;
const RETRY_MS = 5000;
const MAX_AGENT = 200;
const PER_MINUTE = 300;

const NOT_BEGUN = {
  'provider-unknown': () => new Problem('not-found'),
  'no-public-url': () => new Problem('sign-in-unavailable'),
  unreachable: () => new Problem('provider-unreachable', { retryAfterMs: RETRY_MS }),
} as const;

/** Signing in to the console at the organization's OpenID provider. */
@Controller('v1/sign-in')
export class SignInController {
  /** Anybody may begin: a whole secretariat behind one address, and not much more. */
  private readonly limiter = new RateLimiter(PER_MINUTE);

  constructor(
    private readonly signIn: SignIn,
    private readonly store: SignInStore,
    private readonly cookie: SessionCookie,
    private readonly guard: AttemptGuard,
  ) {}

  /** Where the people of an organization sign in; empty for organizations that do not exist, too. */
  @Get('providers')
  @Public()
  @Answers({ 200: providerList })
  async providers(
    @Req() request: FastifyRequest,
    @Query({ schema: providersQuery }) { organization }: z.output<typeof providersQuery>,
  ): Promise<z.input<typeof providerList>> {
    this.limit(request);
    return { items: [...(await this.store.providers(organization))] };
  }

  /** Sends the browser to the provider's page, to come back at /v1/sign-in/callback within ten minutes. */
  @Get()
  @Public()
  @ApiResponse({ status: 302, description: 'To the provider’s page.' })
  @Answers({}, 'not-found', 'sign-in-unavailable')
  async begin(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query({ schema: signInQuery }) { organization, provider, returnTo }: z.output<typeof signInQuery>,
  ): Promise<void> {
    this.limit(request);
    if (!this.cookie.usable) throw new Problem('sign-in-unavailable');
    const begun = await this.signIn.begin({ organizationId: organization, id: provider }, returnTo);
    if (begun.outcome !== 'begun') throw NOT_BEGUN[begun.outcome]();
    this.cookie.keepAway(reply, begun.browser);
    void reply.code(302).header('Location', begun.url).send();
  }

  /** Where the browser comes back to. Good once, in the browser that left; the answer carries the session's cookie. */
  @Get('callback')
  @Public()
  @ApiQuery({ name: 'state', required: true, schema: { type: 'string' } })
  @ApiQuery({ name: 'code', required: false, schema: { type: 'string' }, description: 'What is exchanged for tokens.' })
  @ApiQuery({ name: 'error', required: false, schema: { type: 'string' }, description: 'Why there is no code.' })
  @ApiResponse({ status: 303, description: 'Signed in; to the path asked for.' })
  @ApiResponse({ status: 403, description: 'Denied, not linked to a collaborator, or closed.', content: HTML })
  @ApiResponse({ status: 410, description: 'Unknown, used, too old, or of another browser.', content: HTML })
  @ApiResponse({ status: 422, description: 'What came back does not prove who it is.', content: HTML })
  @ApiResponse({ status: 503, description: 'The provider cannot be reached.', content: HTML })
  @Answers({})
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Query() query: unknown): Promise<void> {
    this.limit(request);
    const finished = await this.finished(request, query);
    this.cookie.forgetAway(reply);
    if (finished.outcome === 'signed-in') {
      this.cookie.keepSession(reply, finished.session);
      void reply.code(303).header('Location', finished.returnTo).send();
      return;
    }
    if (finished.outcome === 'over') await this.countGuess(request);
    const page = signInPage(finished);
    void reply
      .header('X-Robots-Tag', 'noindex')
      .code(page.status)
      .type('text/html; charset=utf-8')
      .send(pageHtml(page));
  }

  private finished(request: FastifyRequest, query: unknown): Promise<SignInFinished> {
    const { state = '', code, error } = callbackQuery.parse(query);
    const named = parseFeedToken(state);
    const browser = this.cookie.away(request);
    if (named === null || browser === null || (code === undefined && error === undefined))
      return Promise.resolve({ outcome: 'over' });
    return this.signIn.finish({
      organizationId: named.organizationId,
      id: named.keyId,
      state,
      stateHash: named.secretHash,
      browser,
      query: request.url.slice(request.url.indexOf('?')),
      denied: error !== undefined,
      agent: request.headers['user-agent']?.slice(0, MAX_AGENT) ?? null,
    });
  }

  /** Throws `locked-out` once an address comes with too many states that are not its own. */
  private async countGuess(request: FastifyRequest): Promise<void> {
    await this.guard.failed(request.ip, null).catch((error: unknown) => {
      if (!(error instanceof Problem) || error.slug !== 'unauthenticated') throw error;
    });
  }

  private limit(request: FastifyRequest): void {
    const { allowed, retryAfterMs } = this.limiter.take(request.ip);
    if (!allowed) throw new Problem('rate-limited', { retryAfterMs });
  }
}
