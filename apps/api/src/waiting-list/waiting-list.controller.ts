import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { newId, WaitingEntries, type WaitingEntry, type WishFault } from '#application';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  isNotModified,
  Problem,
  requiredIdempotency,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { WRITE_PROBLEMS } from '../appointments/appointment-problems.js';
import { actingAs } from '../shared/acting.js';
import { idPath, type IdPath } from '../shared/ids.js';
import { cutPage, decodeCursor } from '../shared/paging.js';
import { Zones } from '../shared/zones.js';
import {
  entriesQuery,
  entryChange,
  entryInput,
  entryPage,
  entryPath,
  entryView,
  viewEntry,
} from './waiting-list.schemas.js';

const position = z.tuple([z.number(), z.uuid()]);

type EntryView = z.input<typeof entryView>;

const CHANGE_PROBLEMS = ['not-found', 'precondition-required', 'stale-version', 'waiting-ended'] as const;
const REFUSED = { unknown: 'not-found', stale: 'stale-version', ended: 'waiting-ended' } as const;

@Controller('v1/waiting-list')
export class WaitingListController {
  constructor(
    private readonly entries: WaitingEntries,
    private readonly zones: Zones,
  ) {}

  /** Enters a patient who waits for a slot. What is free already and fits is offered at once. */
  @Post()
  @Right('appointment:write', 'create')
  @WriteHeaders({ idempotencyKey: 'required' })
  @Answers(
    { 201: entryView },
    ...WRITE_PROBLEMS,
    'idempotency-key-required',
    'idempotency-key-reused',
    'unknown-reference',
  )
  async create(
    @ExchangeParam() exchange: Exchange,
    @Body({ schema: entryInput }) body: z.output<typeof entryInput>,
  ): Promise<EntryView> {
    const { caller, headers, reply } = exchange;
    const { organizationId, audience } = caller;
    const key = requiredIdempotency(headers, ['POST /v1/waiting-list', body]);
    const { motifs: motifIds, agendas: agendaIds, ...wish } = body;
    const entry = { ...wish, organizationId, id: newId(), motifIds, agendaIds, audience, actor: actingAs(caller) };
    const made = await this.entries.create(entry, key);
    if (made.outcome === 'reused') throw new Problem('idempotency-key-reused');
    if (made.outcome === 'unknown-reference') throw unknown(made);
    void reply.code(201).header('Location', entryPath(made.id));
    return this.show(exchange, made.id);
  }

  /** Who waits, and who has waited, oldest first. */
  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: entryPage })
  async list(
    @CallerParam() { organizationId }: Caller,
    @Query({ schema: entriesQuery }) query: z.output<typeof entriesQuery>,
  ): Promise<z.input<typeof entryPage>> {
    const { agenda: agendaIds = [], state: states = [], limit, cursor } = query;
    const at = cursor === undefined ? null : decodeCursor(cursor, position);
    const after = at && { at: at[0], id: at[1] };
    const found = await this.entries.list({ organizationId, agendaIds, states, after, limit: limit + 1 });
    const { page, nextCursor } = cutPage(found, limit, ({ createdAt, id }) => [createdAt, id]);
    const zones = await this.zones.ofAll(organizationId, page.map(firstAgenda));
    return { items: page.map((entry) => viewEntry(entry, zones.get(firstAgenda(entry)) ?? 'UTC')), nextCursor };
  }

  /** One entry. */
  @Get(':id')
  @Right('agenda:read', 'see-busy', { on: 'waiting-entry' })
  @Answers({ 200: entryView, 304: null }, 'not-found')
  async get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<EntryView | undefined> {
    const { headers, reply } = exchange;
    const view = await this.show(exchange, id);
    if (!isNotModified(headers, view.version)) return view;
    void reply.code(304);
    return undefined;
  }

  /** Changes what somebody waits for. What is offered to him stays offered. */
  @Patch(':id')
  @Right('appointment:write', 'create', { on: 'waiting-entry' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 200: entryView }, ...WRITE_PROBLEMS, ...CHANGE_PROBLEMS, 'unknown-reference')
  async change(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: idPath }) { id }: IdPath,
    @Body({ schema: entryChange }) body: z.output<typeof entryChange>,
  ): Promise<EntryView> {
    const { caller, headers } = exchange;
    const { motifs: motifIds, agendas: agendaIds, ...wish } = body;
    const ref = { organizationId: caller.organizationId, id, version: requiredVersion(headers) };
    const done = await this.entries.change({ ...wish, motifIds, agendaIds, ...ref, actor: actingAs(caller) });
    if (done.outcome === 'unknown-reference') throw unknown(done);
    if (done.outcome !== 'changed') throw new Problem(REFUSED[done.outcome]);
    return this.show(exchange, id);
  }

  /** Takes somebody off the list: his name is forgotten, what is offered to him goes to the next. */
  @Delete(':id')
  @HttpCode(204)
  @Right('appointment:write', 'create', { on: 'waiting-entry' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 204: null }, 'collaborator-required', 'collaborator-unknown', ...CHANGE_PROBLEMS)
  async withdraw(@ExchangeParam() exchange: Exchange, @Param({ schema: idPath }) { id }: IdPath): Promise<void> {
    const { caller, headers } = exchange;
    const version = requiredVersion(headers);
    const { organizationId } = caller;
    const done = await this.entries.withdraw({ organizationId, id, version, actor: actingAs(caller) });
    if (done !== 'withdrawn') throw new Problem(REFUSED[done]);
  }

  private async show({ caller, reply }: Exchange, id: string): Promise<EntryView> {
    const { organizationId } = caller;
    const entry = await this.entries.get({ organizationId, id });
    if (entry === null) throw new Problem('not-found');
    void reply.header('ETag', versionTag(entry.version));
    return viewEntry(entry, await this.zones.of(organizationId, firstAgenda(entry)));
  }
}

/** Its zone is the one in which the entry is shown. */
const firstAgenda = ({ agendaIds }: WaitingEntry): string => agendaIds[0] ?? '';

function unknown({ field }: WishFault): Problem {
  return new Problem('unknown-reference', {
    errors: [{ path: `body.${field}`, message: 'names one that is not known' }],
  });
}
