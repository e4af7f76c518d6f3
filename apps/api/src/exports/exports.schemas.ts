import { z } from 'zod';
import {
  EXPORT_FETCHES,
  EXPORT_KEPT_HOURS,
  EXPORT_REFUSALS,
  EXPORT_STATES,
  EXPORT_WAITS_HOURS,
  type ExportAnswer,
  type ExportRecord,
  type ExportWanted,
} from '#application';
import { Problem } from '#platform';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

export const exportsQuery = z.strictObject(pageQuery);

export const exportRequestView = z
  .object({
    id: idView,
    kind: z.enum(['audit', 'patient']),
    format: z.enum(['csv', 'jsonl', 'json']),
    about: idView.nullable(),
    patientOf: idView.nullable(),
    from: instantView.nullable(),
    to: instantView.nullable(),
    appointment: idView.nullable().meta({ description: 'The record by which the patient is named.' }),
    waitingEntry: idView.nullable(),
    state: z.enum(EXPORT_STATES).meta({
      description: `\`asked\`: waits for a second person, ${String(EXPORT_WAITS_HOURS)} hours at most. \`approved\`: may be fetched, within ${String(EXPORT_KEPT_HOURS)} hours. \`fetched\`: as often as it can be.`,
    }),
    askedBy: idView,
    decidedBy: idView.nullable().meta({ description: '`null` once decided: the operator of the hub.' }),
    reason: z.enum(EXPORT_REFUSALS).nullable(),
    fetchesLeft: z.int(),
    expiresAt: instantView,
    createdAt: instantView,
  })
  .meta({ id: 'ExportRequest', description: 'Data that somebody asked for in bulk; nothing of a patient is in it.' });
export const exportRequestPage = pageView('ExportRequestPage', exportRequestView);

export const refusalInput = z
  .strictObject({ reason: z.enum(EXPORT_REFUSALS) })
  .meta({ id: 'ExportRefusal', description: 'Why: a code, so that no name can be in it.' });

const instant = (at: number | null): string | null => (at === null ? null : formatInstant(at, 'UTC'));

export function viewExportRequest(record: ExportRecord): z.input<typeof exportRequestView> {
  const { id, wanted, state, askedBy, decidedBy, reason, fetched, expiresAt, createdAt } = record;
  return {
    ...{ id, kind: wanted.kind, ...viewWanted(wanted), state, askedBy, decidedBy, reason },
    fetchesLeft: state === 'approved' ? EXPORT_FETCHES - fetched : 0,
    ...{ expiresAt: formatInstant(expiresAt, 'UTC'), createdAt: formatInstant(createdAt, 'UTC') },
  };
}

const NOTHING = { about: null, patientOf: null, from: null, to: null, appointment: null, waitingEntry: null };

function viewWanted(wanted: ExportWanted): Pick<z.input<typeof exportRequestView>, 'format' | keyof typeof NOTHING> {
  if (wanted.kind === 'patient') {
    const { kind, id } = wanted.seed;
    return { ...NOTHING, format: 'json', [kind === 'appointment' ? 'appointment' : 'waitingEntry']: id };
  }
  const { format, about, patientOf, from, to } = wanted;
  return { ...NOTHING, format, about, patientOf, from: instant(from), to: instant(to) };
}

const PROBLEMS = {
  unknown: 'not-found',
  stale: 'stale-version',
  'same-person': 'second-person-required',
  ended: 'export-ended',
  waiting: 'export-awaiting-approval',
  'not-asker': 'export-not-yours',
} as const;

/** What else fetching may answer. */
export const FETCHED = ['not-found', 'export-ended', 'export-awaiting-approval', 'export-not-yours'] as const;

/** Throws the problem that an answer without a record is. */
export function exportOf(answer: ExportAnswer): ExportRecord {
  if (answer.outcome === 'put') return answer.record;
  throw new Problem(PROBLEMS[answer.outcome]);
}
