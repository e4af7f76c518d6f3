import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { SignIn, SignInStore } from '#application';
import { Answers, callerOf, Problem, SessionCookie, SignedIn, type Caller } from '#platform';
import { idPath, type IdPath } from '../shared/ids.js';
import { formatInstant } from '../shared/instants.js';
import { PublicAddress } from '../shared/public-address.js';
import { sessionList, signedOut } from './sign-in.schemas.js';

/** The sessions of the person who asks. */
@Controller('v1')
export class SessionsController {
  constructor(
    private readonly signIn: SignIn,
    private readonly store: SignInStore,
    private readonly cookie: SessionCookie,
    private readonly address: PublicAddress,
  ) {}

  /** The browsers in which this person is signed in. */
  @Get('sessions')
  @SignedIn()
  @Answers({ 200: sessionList }, 'not-found', 'collaborator-unknown')
  async list(@Req() request: FastifyRequest): Promise<z.input<typeof sessionList>> {
    const caller = callerOf(request);
    const found = await this.store.sessions(personOf(caller));
    const items = found.map(({ id, browser, createdAt, seenAt, expiresAt }) => ({
      id,
      current: caller.via === 'session' && caller.keyId === id,
      browser,
      createdAt: formatInstant(createdAt, 'UTC'),
      seenAt: formatInstant(seenAt, 'UTC'),
      expiresAt: formatInstant(expiresAt, 'UTC'),
    }));
    return { items };
  }

  /** Ends one of them at once. */
  @Delete('sessions/:id')
  @HttpCode(204)
  @SignedIn()
  @Answers({ 204: null }, 'not-found', 'collaborator-unknown', 'collaborator-required')
  async end(@Req() request: FastifyRequest, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const ended = await this.signIn.end({ ...personOf(callerOf(request)), id }, this.home());
    if (ended === null) throw new Problem('not-found');
  }

  /** Ends the session that asks, and says where the provider's own is ended (OpenID Connect RP-Initiated Logout). */
  @Post('sign-out')
  @HttpCode(200)
  @SignedIn()
  @Answers({ 200: signedOut }, 'not-found', 'collaborator-unknown', 'collaborator-required')
  async signOut(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.input<typeof signedOut>> {
    const caller = callerOf(request);
    if (caller.via !== 'session') throw new Problem('not-found');
    const ended = await this.signIn.end({ ...personOf(caller), id: caller.keyId }, this.home());
    this.cookie.forgetSession(reply);
    return { signOutUrl: ended?.signOutUrl ?? null };
  }

  private home(): string {
    return `${this.address.url ?? ''}/`;
  }
}

/** Who asks about himself. An application is nobody: it has no sessions, and does not see those of others. */
function personOf({ via, organizationId, collaboratorId }: Caller): { organizationId: string; collaboratorId: string } {
  if ((via !== 'session' && via !== 'person') || collaboratorId === null) throw new Problem('not-found');
  return { organizationId, collaboratorId };
}
