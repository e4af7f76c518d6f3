import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Exports, Patients } from '#application';
import { USUAL_IDENTITY, type IdentityField } from '#domain';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  Problem,
  RateLimiter,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { AppointmentAnswers } from '../appointments/appointment-answers.js';
import { exportOf, exportRequestView, FETCHED, viewExportRequest } from '../exports/exports.schemas.js';
import { actingAs } from '../shared/acting.js';
import { seen } from '../shared/identity.js';
import { idPath, type IdPath } from '../shared/ids.js';
import {
  eraseInput,
  erasureView,
  exportInput,
  exportView,
  rectifiedView,
  rectifyInput,
  searchInput,
  searchView,
  seedOf,
  viewErasure,
  viewExport,
} from './patients.schemas.js';

const MOST_FOUND = 50;
/** Whoever searches more often than a person can is trying numbers. */
const SEARCHES_PER_MINUTE = 60;
/** What cannot be cut is for whoever may see all of it. */
const WHOLE = { on: 'organization', identity: USUAL_IDENTITY } as const;
const WHO = ['collaborator-required', 'collaborator-unknown'] as const;

@Controller('v1')
export class PatientsController {
  private readonly searches = new RateLimiter(SEARCHES_PER_MINUTE);

  constructor(
    private readonly patients: Patients,
    private readonly answers: AppointmentAnswers,
    private readonly exports: Exports,
  ) {}

  /** Appointments of who has this telephone number, or this name and birth date. Nothing about a patient stands in a URL. */
  @Post('patients/search')
  @HttpCode(200)
  @Right('agenda:read', 'see-identity')
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: searchView }, ...WHO, 'rate-limited')
  async search(
    @CallerParam() { organizationId, keyId, collaboratorId }: Caller,
    @Body({ schema: searchInput }) wanted: z.output<typeof searchInput>,
  ): Promise<z.input<typeof searchView>> {
    const verdict = this.searches.take(`${keyId} ${collaboratorId ?? ''}`);
    if (!verdict.allowed) throw new Problem('rate-limited', { retryAfterMs: verdict.retryAfterMs });
    const asked: IdentityField[] = 'phone' in wanted ? ['phone'] : ['name', 'birthDate'];
    const all = await this.patients.find(organizationId, wanted, MOST_FOUND + 1);
    // By what may not be seen nobody is found.
    const found = all.filter(({ agendaId, motifId }) => {
      const fields = seen({ agendaIds: [agendaId], motifIds: [motifId] });
      return asked.every((field) => fields.has(field));
    });
    const items = await this.answers.showAll(organizationId, found.slice(0, MOST_FOUND));
    return { items, more: found.length > MOST_FOUND };
  }

  /** Asks for everything that is held about a patient. A second person has to approve it, who sees that he is who asks. */
  @Post('patients/exports')
  @Right('patient:manage', 'export', WHOLE)
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 201: exportRequestView }, ...WHO, 'not-found')
  async ask(
    @ExchangeParam() { caller, reply }: Exchange,
    @Body({ schema: exportInput }) body: z.output<typeof exportInput>,
  ): Promise<z.input<typeof exportRequestView>> {
    const seed = seedOf(body);
    if (!(await this.patients.knows(caller.organizationId, seed))) throw new Problem('not-found');
    const record = await this.exports.ask(caller.organizationId, { kind: 'patient', seed }, actingAs(caller));
    void reply.header('Location', `/v1/exports/${record.id}`).header('ETag', versionTag(record.version));
    return viewExportRequest(record);
  }

  /** Everything that is held about a patient, for who asked, once it is approved: three times within a day. */
  @Post('patients/exports/:id/fetch')
  @HttpCode(200)
  @Right('patient:manage', 'export', WHOLE)
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: exportView }, ...WHO, ...FETCHED)
  async fetch(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof exportView>> {
    const { organizationId } = caller;
    const actor = actingAs(caller);
    const { wanted } = exportOf(await this.exports.take({ organizationId, id }, 'patient', actor));
    const found = wanted.kind === 'patient' ? await this.patients.export(organizationId, wanted.seed, actor) : null;
    if (found === null) throw new Problem('not-found');
    return viewExport(found);
  }

  /** Puts right what is held about a patient, in every record, and in what the hub wrote into practitioners’ agendas. */
  @Post('patients/rectification')
  @HttpCode(200)
  @Right('patient:manage', 'export', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: rectifiedView }, ...WHO, 'not-found')
  async rectify(
    @CallerParam() caller: Caller,
    @Body({ schema: rectifyInput }) { patient, ...named }: z.output<typeof rectifyInput>,
  ): Promise<z.input<typeof rectifiedView>> {
    const { newPatient, ...fields } = patient;
    const given = { ...fields, ...(newPatient !== undefined && { isNew: newPatient }) };
    const change = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const command = { change, actor: actingAs(caller) };
    const records = await this.patients.rectify(caller.organizationId, seedOf(named), command);
    if (records === null) throw new Problem('not-found');
    return { records };
  }

  /** Erases a patient: what names him is destroyed at once, in copies of the database too, and what the hub wrote elsewhere follows. */
  @Post('erasures')
  @HttpCode(200)
  @Right('patient:manage', 'export', { on: 'organization' })
  @WriteHeaders({ idempotencyKey: 'none' })
  @Answers({ 200: erasureView, 202: erasureView }, ...WHO, 'not-found', 'patient-expected')
  async erase(
    @ExchangeParam() { caller, reply }: Exchange,
    @Body({ schema: eraseInput }) { force, ...named }: z.output<typeof eraseInput>,
  ): Promise<z.input<typeof erasureView>> {
    const command = { force, actor: actingAs(caller) };
    const erased = await this.patients.erase(caller.organizationId, seedOf(named), command);
    if (erased.outcome === 'unknown') throw new Problem('not-found');
    if (erased.outcome === 'ahead') throw new Problem('patient-expected');
    const view = viewErasure(erased.record);
    void reply.code(view.state === 'done' ? 200 : 202).header('Location', `/v1/erasures/${view.id}`);
    return view;
  }

  /** How far an erasure is. */
  @Get('erasures/:id')
  @Right('patient:manage', 'export', { on: 'organization' })
  @Answers({ 200: erasureView }, 'not-found')
  async erasure(
    @CallerParam() { organizationId }: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
  ): Promise<z.input<typeof erasureView>> {
    const record = await this.patients.erasure(organizationId, id);
    if (record === null) throw new Problem('not-found');
    return viewErasure(record);
  }
}
