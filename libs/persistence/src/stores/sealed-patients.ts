import type { Patient, SealedPlace, Vault } from '#application';
import { e164Of, foldedName } from '#domain';

const PATIENT = { column: 'patient_identity.sealed', formerly: 'patient_identity.sealed' } as const;
const WAITING = { column: 'waiting_entry.sealed', formerly: 'waiting_entry.sealed' } as const;
/** Patients that were sealed before each had a key of his own. */
export const legacyPatient = {
  place: (row: string): SealedPlace => ({ ...PATIENT, row }),
  from: { ...PATIENT, row: '' },
  seal: sealPatient,
};
export const legacyWaiting = {
  place: (row: string): SealedPlace => ({ ...WAITING, row }),
  from: { ...WAITING, row: '' },
  seal: sealWaiting,
};
/** What fingerprints of patients are made for. */
const SAME_PERSON = 'patient_identity.sealed';
/** First byte of what is read together: the row that it was sealed for (16 bytes), the wrapped key, the value. */
const TOGETHER = 5;
const UUID_END = 17;
/** First byte of what is written with an index. */
const INDEXED = 6;
const INDEX_BYTES = 32;

/** A patient of a row with the key that opens him, in one column; NULL when there is none, or his key is destroyed. */
const together = (row: string, sealedFor: string): string => `CASE WHEN ${row}.key_id IS NULL THEN ${row}.sealed ELSE
  (SELECT '\\x05'::bytea || uuid_send(${row}.${sealedFor}) || k.wrapped || ${row}.sealed FROM patient_key k WHERE k.organization_id = ${row}.organization_id AND k.id = ${row}.key_id) END`;

/** Of `patient_identity` under this alias. */
export const sealedPatient = (row: string): string => together(row, 'sealed_for');
/** Of `waiting_entry` under this alias. */
export const sealedWaiting = (row: string): string => together(row, 'id');

export function sealPatient(vault: Vault, organizationId: string, id: string, patient: Patient): Promise<Buffer> {
  return sealIndexed(vault, { organizationId, place: { ...PATIENT, row: id } }, patient);
}

export function sealWaiting(vault: Vault, organizationId: string, id: string, patient: Patient): Promise<Buffer> {
  return sealIndexed(vault, { organizationId, place: { ...WAITING, row: id } }, patient);
}

/** With what he is found by before it, which the database keeps apart. */
async function sealIndexed(
  vault: Vault,
  { organizationId, place }: { organizationId: string; place: SealedPlace },
  patient: Patient,
): Promise<Buffer> {
  const sealed = await vault.sealApart(organizationId, place, Buffer.from(JSON.stringify(patient)));
  const index = patient.phone === undefined ? null : await phoneIndexOf(vault, organizationId, patient.phone);
  return Buffer.concat([Buffer.from([INDEXED]), index ?? Buffer.alloc(INDEX_BYTES), sealed]);
}

/** The same telephone number gives the same bytes, however it is written; `null` for what is none. */
export async function phoneIndexOf(vault: Vault, organizationId: string, phone: string): Promise<Buffer | null> {
  const number = e164Of(phone);
  return number === null ? null : vault.fingerprint(organizationId, 'patient.phone', number);
}

/** Opens what {@link sealedPatient} selects. */
export async function openPatient(
  vault: Vault,
  organizationId: string,
  sealed: Buffer | null,
): Promise<Patient | null> {
  return open(vault, { organizationId, place: PATIENT }, sealed);
}

/** Opens what {@link sealedWaiting} selects. */
export async function openWaiting(
  vault: Vault,
  organizationId: string,
  sealed: Buffer | null,
): Promise<Patient | null> {
  return open(vault, { organizationId, place: WAITING }, sealed);
}

async function open(
  vault: Vault,
  { organizationId, place }: { organizationId: string; place: Omit<SealedPlace, 'row'> },
  sealed: Buffer | null,
): Promise<Patient | null> {
  if (sealed === null) return null;
  const apart = sealed[0] === TOGETHER;
  const row = apart ? uuidOf(sealed.subarray(1, UUID_END)) : '';
  const envelope = apart ? Buffer.concat([Buffer.from([3]), sealed.subarray(UUID_END)]) : sealed;
  return JSON.parse((await vault.open(organizationId, { ...place, row }, envelope)).toString()) as Patient;
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The same person gives the same bytes; `null` without a birth date, which names alone do not replace. */
export async function fingerprintOf(
  vault: Vault,
  organizationId: string,
  patient: Pick<Patient, 'lastName' | 'firstName' | 'birthDate'>,
): Promise<Buffer | null> {
  const { lastName, firstName, birthDate } = patient;
  if (birthDate === undefined) return null;
  const person = [foldedName(lastName), foldedName(firstName), birthDate].join('|');
  return vault.fingerprint(organizationId, SAME_PERSON, person);
}
