import { Body, Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AccessTokens, newId } from '#application';
import {
  Answers,
  ApiKeyRecogniser,
  issueAccessToken,
  parseAccessToken,
  Problem,
  Public,
  RateLimiter,
  SCOPES,
  type Caller,
} from '#platform';
import { PublicAddress } from '../shared/public-address.js';
import { narrowScopes, OAuthRefusal, readClientRequest, type ClientRequest } from './client-request.js';
import { oauthError, revocationForm, serverMetadata, tokenForm, tokenView } from './tokens.schemas.js';

const FORM = 'application/x-www-form-urlencoded';
const LIFE_SECONDS = 900;
const METHODS = ['client_secret_basic', 'client_secret_post'];

const refusals = (): MethodDecorator => (target, name, descriptor) => {
  for (const [status, description] of [
    [400, 'The request, a scope or the grant type is not valid.'],
    [401, 'The client is not known, or its secret is wrong.'],
    [429, 'Too many wrong secrets, or too many requests: come back after `Retry-After`.'],
  ] as const)
    ApiResponse({ status, description, standardSchema: oauthError })(target, name, descriptor);
};

/** OAuth 2 for applications: a key is a client, its first part the id, its second the secret. */
@Controller()
export class TokensController {
  constructor(
    private readonly keys: ApiKeyRecogniser,
    private readonly tokens: AccessTokens,
    private readonly limiter: RateLimiter,
    private readonly address: PublicAddress,
  ) {}

  /**
   * A token for a quarter of an hour, by client credentials (RFC 6749 4.4). The key `unisson_<id>_<secret>` is the client:
   * `client_id` is its first part, `client_secret` its second. The token ends with the key.
   */
  @Post('v1/token')
  @HttpCode(200)
  @Public({ rawBody: true })
  @ApiConsumes(FORM)
  @ApiBody({ required: true, schema: tokenForm })
  @refusals()
  @Answers({ 200: tokenView })
  issue(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body() body: unknown): Promise<void> {
    return this.answer(request, reply, body, async ({ parameters }, caller) => {
      if (parameters.get('grant_type') === undefined)
        throw new OAuthRefusal('invalid_request', 'grant_type is missing');
      if (parameters.get('grant_type') !== 'client_credentials')
        throw new OAuthRefusal('unsupported_grant_type', 'only client_credentials is supported');
      const scopes = narrowScopes(parameters.get('scope'), caller.scopes);
      const { organizationId, keyId } = caller;
      const id = newId();
      const { text, secretHash } = issueAccessToken(organizationId, id);
      await this.tokens.issue({ organizationId, id, keyId, secretHash, scopes, lifeSeconds: LIFE_SECONDS });
      return { access_token: text, token_type: 'Bearer', expires_in: LIFE_SECONDS, scope: scopes.join(' ') };
    });
  }

  /** Ends a token of the client at once (RFC 7009); one that is not there any more is as good. */
  @Post('v1/token/revocation')
  @HttpCode(200)
  @Public({ rawBody: true })
  @ApiConsumes(FORM)
  @ApiBody({ required: true, schema: revocationForm })
  @refusals()
  @Answers({ 200: null })
  revoke(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body() body: unknown): Promise<void> {
    return this.answer(request, reply, body, async ({ parameters }, { organizationId, keyId }) => {
      const text = parameters.get('token');
      if (text === undefined) throw new OAuthRefusal('invalid_request', 'token is missing');
      const token = parseAccessToken(text);
      if (token?.organizationId === organizationId)
        await this.tokens.revoke({ organizationId, id: token.keyId, keyId, secretHash: token.secretHash });
      return null;
    });
  }

  /** What applications find out about the token endpoint by themselves (RFC 8414); needs PUBLIC_URL. */
  @Get('.well-known/oauth-authorization-server')
  @Public()
  @Answers({ 200: serverMetadata }, 'not-found')
  metadata(): z.input<typeof serverMetadata> {
    const issuer = this.address.url;
    if (issuer === null) throw new Problem('not-found');
    return {
      issuer,
      token_endpoint: `${issuer}/v1/token`,
      revocation_endpoint: `${issuer}/v1/token/revocation`,
      grant_types_supported: ['client_credentials'],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: METHODS,
      revocation_endpoint_auth_methods_supported: METHODS,
      scopes_supported: [...SCOPES],
      service_documentation: `${issuer}/docs`,
    };
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    body: unknown,
    work: (request: ClientRequest, caller: Caller) => Promise<object | null>,
  ): Promise<void> {
    try {
      const asked = readClientRequest(request.headers, body);
      const caller = await this.keys.callerOf(asked.client, request.ip);
      const { allowed, retryAfterMs } = this.limiter.take(`token|${caller.keyId}`);
      if (!allowed) throw new Problem('rate-limited', { retryAfterMs });
      const done = await work(asked, caller);
      void reply.send(done ?? undefined);
    } catch (error) {
      refuse(error, reply);
    }
  }
}

/** Says a refusal in OAuth's words; throws what is none. */
function refuse(error: unknown, reply: FastifyReply): void {
  if (error instanceof OAuthRefusal) {
    void reply.code(400).send({ error: error.error, error_description: error.message });
    return;
  }
  if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 429)) throw error;
  if (error.status === 401) void reply.header('WWW-Authenticate', 'Basic realm="unisson"');
  const { retryAfterMs } = error.options;
  if (retryAfterMs !== undefined) void reply.header('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  const name = error.status === 401 ? 'invalid_client' : 'temporarily_unavailable';
  void reply.code(error.status).send({ error: name, error_description: error.message });
}
