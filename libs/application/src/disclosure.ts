import { createHash } from 'node:crypto';
import type { VisitAnswer } from '#connector-sdk';
import type { Disclosure, Patient } from './model.js';
import type { Question } from './rules.js';

/**
 * The only text about a visit that leaves for the practitioner's agenda, cut to what the link discloses.
 * `busy` says nothing of the patient nor of the motif. An overbooked visit says that it is one, first.
 */
export function summaryOf(
  disclosure: Disclosure,
  patient: Patient | null,
  motifLabel: string,
  overbooked = false,
): string {
  const summary = visitSummary(disclosure, patient, motifLabel);
  return overbooked ? `Surnombre – ${summary}` : summary;
}

/** The patient's answers that leave with his visit: to questions that are still asked, and only where his name leaves too. */
export function answersOf(
  disclosure: Disclosure,
  patient: Patient | null,
  questions: readonly Question[] = [],
): readonly VisitAnswer[] {
  if (disclosure !== 'full') return [];
  return questions.flatMap(({ id, fr: question }) => {
    const answer = patient?.answers?.[id] ?? '';
    return answer === '' ? [] : [{ question, answer }];
  });
}

function visitSummary(disclosure: Disclosure, patient: Patient | null, motifLabel: string): string {
  if (disclosure === 'busy' || patient === null) return 'Rendez-vous';
  if (disclosure === 'initials') return `${initial(patient.firstName)}${initial(patient.lastName)} – ${motifLabel}`;
  return `${patient.lastName.toLocaleUpperCase('fr')} ${patient.firstName} – ${motifLabel}`;
}

function initial(name: string): string {
  const [first] = name.trim();
  return first === undefined ? '' : `${first.toLocaleUpperCase('fr')}.`;
}

/** Texts that differ only in how they are written are one. Short texts can be guessed from it: it is kept keyed only. */
export function summaryDigest(summary: string): string {
  return createHash('sha256').update(summary.normalize('NFC').trim()).digest('base64url');
}

/** The reference under which an appointment is written at a backend; a new generation after the old one was used up. */
export function referenceOf(appointmentId: string, generation: number): string {
  return `${appointmentId}-${String(generation)}`;
}

/** The appointment that a reference names, or `null` for anything else. */
export function appointmentOfReference(reference: string): string | null {
  return /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d{1,6}$/.exec(reference)?.[1] ?? null;
}
