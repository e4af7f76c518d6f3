import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import type { z } from 'zod';
import { Connections, LinkLifecycle, newId } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  Right,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { Repeats } from '../shared/repeats.js';
import { connectionProblem } from './connection-problems.js';
import {
  connectionInput,
  connectionList,
  connectionView,
  remoteAgendasView,
  responsibleInput,
  responsibleView,
  secretsInput,
  verifiedView,
  viewConnection,
  viewExpiry,
  viewRemoteAgendas,
} from './connections.schemas.js';

@Controller('v1/connections')
export class ConnectionsController {
  constructor(
    private readonly connections: Connections,
    private readonly lifecycle: LinkLifecycle,
    private readonly repeats: Repeats,
  ) {}

  /** Backend accounts, without their secrets. */
  @Get()
  @Right('connection:manage', 'manage-links')
  @Answers({ 200: connectionList })
  async list(@CallerParam() { organizationId }: Caller): Promise<z.input<typeof connectionList>> {
    const items = await this.connections.list(organizationId);
    return { items: items.map((one) => viewConnection(one, this.connections.capabilitiesOf(one))) };
  }

  /** Keeps the credentials of a backend account. Verify it next. */
  @Post()
  @Right('connection:manage', 'manage-links', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'optional' })
  @Answers({ 201: connectionView }, ...WRITE_PROBLEMS, 'idempotency-key-reused', 'idempotency-in-progress')
  async create(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: connectionInput }) body: z.output<typeof connectionInput>,
  ): Promise<z.input<typeof connectionView>> {
    const { caller } = exchange;
    return this.repeats.once(exchange, ['POST /v1/connections', body], async () => {
      const { connector: connectorId, ...rest } = body;
      const made = await this.connections.create({
        organizationId: caller.organizationId,
        id: newId(),
        actor: actingAs(caller),
        connectorId,
        ...rest,
      });
      if (made.outcome !== 'created') throw connectionProblem(made);
      const { connection } = made;
      const shown = viewConnection(connection, this.connections.capabilitiesOf(connection));
      return { status: 201, body: shown, resource: connection.id };
    });
  }

  /** Tries the credentials against the backend. */
  @Post(':id/verify')
  @HttpCode(200)
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: verifiedView }, ...WRITE_PROBLEMS, 'not-found', 'backend-refused', 'agenda-unreachable')
  async verify(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof verifiedView>> {
    const tried = await this.connections.verify(organizationId, id);
    if (tried.outcome !== 'verified') throw connectionProblem(tried);
    return { status: 'active', account: tried.account, expiresAt: viewExpiry(tried.expiresAt) };
  }

  /**
   * Signs in again: the new secrets are tried first. Links keep all they know, read what they missed, and write what
   * waited, at once.
   */
  @Put(':id/secrets')
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: verifiedView }, ...WRITE_PROBLEMS, 'not-found', 'backend-refused', 'agenda-unreachable')
  async replaceSecrets(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: secretsInput }) { secrets }: z.output<typeof secretsInput>,
  ): Promise<z.input<typeof verifiedView>> {
    const ref = { organizationId: caller.organizationId, id };
    const replaced = await this.lifecycle.replaceSecrets(ref, { secrets, actor: actingAs(caller) });
    if (replaced.outcome !== 'replaced') throw connectionProblem(replaced);
    return { status: 'active', account: replaced.account, expiresAt: viewExpiry(replaced.expiresAt) };
  }

  /** Names who looks after the connection, and is alerted when a link of it is red. */
  @Put(':id/responsible')
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: responsibleView }, ...WRITE_PROBLEMS, 'not-found')
  async nameResponsible(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: responsibleInput }) body: z.output<typeof responsibleInput>,
  ): Promise<z.input<typeof responsibleView>> {
    if (!(await this.connections.setResponsible(organizationId, id, body))) throw new Problem('not-found');
    return body;
  }

  /** Forgets a backend account and its secrets. Its links are disconnected first. */
  @Delete(':id')
  @HttpCode(204)
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 204: null }, 'collaborator-required', 'collaborator-unknown', 'not-found', 'still-linked')
  async remove(@CallerParam() caller: Caller, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const ref = { organizationId: caller.organizationId, id };
    const removed = await this.lifecycle.removeConnection(ref, actingAs(caller));
    if (removed === 'unknown') throw new Problem('not-found');
    if (removed === 'busy') throw new Problem('still-linked');
  }

  /** The agendas of the backend account. */
  @Get(':id/agendas')
  @Right('connection:manage', 'manage-links', { on: 'connection' })
  @Answers({ 200: remoteAgendasView }, 'not-found', 'backend-refused', 'agenda-unreachable')
  async agendas(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof remoteAgendasView>> {
    const found = await this.connections.remoteAgendas(organizationId, id);
    if (found.outcome !== 'done') throw connectionProblem(found);
    return viewRemoteAgendas(found.value);
  }
}
