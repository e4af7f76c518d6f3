import fc from 'fast-check';
import { expect } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { OpenApiFuzz, type FuzzRequest } from '../../../test/support/openapi-fuzz.js';
import type { Client, TestApi } from './api.suite.js';

/** What the document allows beyond 500: the hub, or a backend that was named, cannot be reached for the moment. */
const LATER = /temporarily-unavailable|agenda-unreachable/;

/** A practice with something of everything, and requests made from the published document that know its ids. */
export class HostileSituation {
  private constructor(
    readonly api: TestApi,
    readonly practice: Practice,
    readonly ask: Client,
    readonly fuzz: OpenApiFuzz,
    /** Ids that stand for something here. */
    readonly ids: readonly string[],
  ) {}

  static async of(api: TestApi): Promise<HostileSituation> {
    const practice = await api.practice();
    const ask = await api.client(practice);
    // Bodies made from the document have a note: it is refused for what is wrong with it, not for being one.
    await api.sql(practice, 'UPDATE organization SET patient_notes = true WHERE organization_id = $1', [
      practice.organization,
    ]);
    await api.sql(practice, `UPDATE access_grant SET identity = identity || '{note}' WHERE organization_id = $1`, [
      practice.organization,
    ]);
    api.parts.access.forget(practice.organization);
    const body = { agenda: practice.agenda, motif: practice.motif };
    const patient = { lastName: 'Durand', firstName: 'Camille', birthDate: '1980-05-31' };
    const booked = await ask('POST', '/v1/appointments', { body: { ...body, patient, start: at('08:00') } });
    const held = await ask('POST', '/v1/holds', { body: { ...body, start: at('09:00') } });
    expect([booked.status, held.status]).toEqual([201, 201]);
    const { agenda, motif, collaborator, organization } = practice;
    const ids = [agenda, motif, collaborator, organization, booked.json.id as string, held.json.id as string];
    return new HostileSituation(api, practice, ask, new OpenApiFuzz(api.document, ids), ids);
  }

  /** Every answer keeps the document (the client sees to that), and none is a fault of ours. */
  async flood(runs: number, seed?: number): Promise<Record<number, number>> {
    const seen: Record<number, number> = {};
    const property = fc.asyncProperty(this.fuzz.request(), async (request) => {
      const { status, text } = await this.send(request);
      seen[status] = (seen[status] ?? 0) + 1;
      if (status >= 500 && !LATER.test(text)) throw new Error(`${String(status)} ${text}`);
    });
    await fc.assert(property, {
      numRuns: runs,
      ...(seed === undefined ? {} : { seed }),
      interruptAfterTimeLimit: 540_000,
    });
    return seen;
  }

  send({ target, path, headers, body }: FuzzRequest) {
    return this.ask(target.method, path, { headers, ...(body === undefined ? {} : { body }) });
  }
}
