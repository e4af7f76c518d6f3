import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Key of the simulator's demonstration agendas (apps/mock-vendors/src/in-house/README.md). */
const VENDOR_KEY = 'demo-in-house-key';
const HOUR_MS = 3_600_000;

/** Nothing is offered before the worker has read the practitioner's agenda: unknown is not free. */
async function firstFreeSlot(api, demonstration) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const slot = await freeSlot(api, demonstration).catch(() => null);
    if (slot) return slot;
    await sleep(250);
  }
  return null;
}

/** The first free slot of an agenda that a simulator masters; `null` when none is offered just now. */
async function freeSlot(api, { agendas, motifs, administration }) {
  for (const agenda of agendas.filter(({ remoteAgendaId }) => remoteAgendaId)) {
    for (const motif of motifs) {
      const answer = await fetch(`${api}/v1/slots/next?motif=${motif.id}&agenda=${agenda.id}&limit=1`, {
        headers: { authorization: `Bearer ${administration.apiKey}` },
        signal: AbortSignal.timeout(5000),
      });
      const slot = answer.ok ? (await answer.json()).items[0] : undefined;
      if (slot) return { ...slot, agendaName: agenda.name, remoteAgendaId: agenda.remoteAgendaId };
    }
  }
  return null;
}

function bookingCommand(api, slot, collaborator) {
  const { agenda, motif, start } = slot;
  const patient = { lastName: 'Durand', firstName: 'Camille', phone: '01 99 00 12 34' };
  return `curl -sS -X POST ${api}/v1/appointments \\
    -H 'Authorization: Bearer ${collaborator.apiKey}' \\
    -H 'Unisson-Collaborator: ${collaborator.id}' \\
    -H 'Idempotency-Key: ${randomUUID()}' -H 'Prefer: wait=5' \\
    -H 'Content-Type: application/json' \\
    -d '${JSON.stringify({ agenda, motif, start, patient })}'`;
}

function showingCommand(vendors, { remoteAgendaId, start }) {
  const from = Date.parse(start) - HOUR_MS;
  const url = `${vendors}/in-house/api/agendas/${remoteAgendaId}/entries?from=${from}&to=${from + 3 * HOUR_MS}`;
  return `curl -sS '${url}' \\
    -H 'Authorization: Bearer ${VENDOR_KEY}'`;
}

function examples({ api, vendors }, slot, collaborator) {
  if (!slot)
    return 'No slot is offered just now: look at the links and at the logs, or start over with npm start -- --reset.';
  const page = `${vendors}/in-house/?agenda=${slot.remoteAgendaId}&date=${slot.start.slice(0, 10)}`;
  return `Book the next free slot of ${slot.agendaName}:

  ${bookingCommand(api, slot, collaborator)}

See it in the practitioner's own agenda (or in a browser: ${page}):

  ${showingCommand(vendors, slot)}`;
}

const line = (name, value) => `  ${name.padEnd(24)}${value}`;

/** What a person reads once the hub runs. */
export async function describeHub({ ports, demonstration, databaseUrl }) {
  const api = `http://127.0.0.1:${ports.api}`;
  const vendors = `http://127.0.0.1:${ports.vendors}`;
  const slot = await firstFreeSlot(api, demonstration);
  return `
Unisson is running, with a demonstration practice.

${line('API', `${api}/v1`)}
${line('API documentation', `${api}/docs  (${api}/openapi.json)`)}
${line('Practitioners’ agendas', `${vendors}/in-house/`)}
${line('Database', databaseUrl)}

API keys
${demonstration.collaborators.map(({ name, apiKey }) => line(name, apiKey)).join('\n')}
${line('Administration', demonstration.administration.apiKey)}

${examples({ api, vendors }, slot, demonstration.collaborators[0])}
`;
}
