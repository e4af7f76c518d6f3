import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Grants, IdentityAdministration, newId, OpenIdProviders, type IdentityProvider } from '#application';
import { Answers, badInput, CallerParam, Problem, Right, WriteHeaders, type Caller } from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import {
  peopleQuery,
  personInput,
  personPage,
  personView,
  providerChange,
  providerInput,
  providerRecordList,
  providerRecordView,
  viewPerson,
  viewProvider,
} from './identities.schemas.js';

type View = z.input<typeof providerRecordView>;

const position = z.tuple([z.uuid()]);
const TESTED = [...WRITE_PROBLEMS, 'provider-unusable'] as const;

/** Where an organization's people sign in, and who they are here. It concerns whoever may act at all, so every agenda. */
@Controller('v1')
export class IdentitiesController {
  constructor(
    private readonly identities: IdentityAdministration,
    private readonly providers: OpenIdProviders,
    private readonly grants: Grants,
  ) {}

  /** The providers, with everything but their secret. */
  @Get('identity-providers')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @Answers({ 200: providerRecordList })
  async list(@CallerParam() { organizationId }: Caller): Promise<z.input<typeof providerRecordList>> {
    return { items: (await this.identities.providers(organizationId)).map(viewProvider) };
  }

  /** Makes a provider known, once it answers as one. The secret is sealed, and never shown again. */
  @Post('identity-providers')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: providerRecordView }, ...TESTED)
  async add(
    @CallerParam() caller: Caller,
    @Body({ schema: providerInput }) body: z.output<typeof providerInput>,
  ): Promise<View> {
    const provider = { ...body, organizationId: caller.organizationId, id: newId() };
    await this.test(provider);
    const added = await this.identities.add(provider, actingAs(caller));
    if (added === null) throw badInput('body.issuer', 'is known already with this client');
    return viewProvider(added);
  }

  /** Another label, secret or audience; the issuer and the client are who it is, and stay. */
  @Put('identity-providers/:id')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: providerRecordView }, ...TESTED, 'not-found')
  async change(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: providerChange }) body: z.output<typeof providerChange>,
  ): Promise<View> {
    const { organizationId } = caller;
    const found = await this.identities.providers(organizationId);
    const known = found.find((one) => one.id === id);
    if (known === undefined) throw new Problem('not-found');
    const provider = { ...known, ...body, organizationId };
    await this.test(provider);
    const changed = await this.identities.change(provider, actingAs(caller));
    if (changed === null) throw new Problem('not-found');
    return viewProvider(changed);
  }

  /** Nobody signs in there any more: its links go, and the sessions that were opened there end at once. */
  @Delete('identity-providers/:id')
  @HttpCode(204)
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, ...WRITE_PROBLEMS, 'not-found')
  async remove(@CallerParam() caller: Caller, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const { organizationId } = caller;
    if (!(await this.identities.remove({ organizationId, id }, actingAs(caller)))) throw new Problem('not-found');
  }

  /** Which account of which provider is which collaborator. */
  @Get('identities')
  @Right('grant:manage', 'manage-grants', { on: 'organization', query: true })
  @Answers({ 200: personPage })
  async people(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: peopleQuery }) { limit, cursor }: z.output<typeof peopleQuery>,
  ): Promise<z.input<typeof personPage>> {
    const after = cursor === undefined ? null : decodeCursor(cursor, position)[0];
    const found = await this.identities.people(organizationId, { after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ id }) => [id]);
    return { items: page.map(viewPerson), nextCursor };
  }

  /**
   * Says who an account is here: by its subject, or by RPPS number. With scopes that the caller has himself; and not for
   * somebody who can approve what others ask for, or manage rights: his account the operator links.
   */
  @Post('identities')
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: personView }, ...WRITE_PROBLEMS, 'unknown-reference', 'operator-required')
  async link(
    @CallerParam() caller: Caller,
    @Body({ schema: personInput }) body: z.output<typeof personInput>,
  ): Promise<z.input<typeof personView>> {
    const { provider: providerId, collaborator: collaboratorId, subject, nationalId, scopes } = body;
    const { organizationId } = caller;
    const beyond = scopes.find((scope) => !caller.scopes.has(scope));
    if (beyond !== undefined) throw new Problem('right-missing', { code: 'RIGHT', extra: { right: beyond } });
    if (await this.grants.isTrusted(organizationId, collaboratorId)) throw new Problem('operator-required');
    const person = { id: newId(), providerId, collaboratorId, subject, nationalId, scopes };
    const linked = await this.identities.link(organizationId, person, actingAs(caller));
    if (linked === 'known') throw badInput(subject === null ? 'body.rpps' : 'body.subject', 'is linked already');
    if (linked === 'unknown')
      throw new Problem('unknown-reference', {
        errors: [{ path: 'body', message: 'provider or collaborator does not exist' }],
      });
    return viewPerson(linked);
  }

  /** Ends a link: the account is nobody here any more, and its sessions end at once. */
  @Delete('identities/:id')
  @HttpCode(204)
  @Right('grant:manage', 'manage-grants', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, ...WRITE_PROBLEMS, 'not-found')
  async unlink(@CallerParam() caller: Caller, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const { organizationId } = caller;
    if (!(await this.identities.unlink({ organizationId, id }, actingAs(caller)))) throw new Problem('not-found');
  }

  private async test(provider: IdentityProvider): Promise<void> {
    if (provider.audience === provider.clientId) throw badInput('body.audience', 'must not be the client itself');
    await this.providers.check(provider).catch(() => {
      throw new Problem('provider-unusable');
    });
  }
}
