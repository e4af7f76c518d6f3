/** National identifiers (IDNPS) begin with the kind of directory: 8 for RPPS (11 digits follow), 0 for ADELI (9 digits). */
const RPPS = /^\d{11}$/;
const NATIONAL_ID = /^[0-9A-Z][0-9A-Z./-]{4,39}$/;

/** The national identifier of a professional with this RPPS number, or what was given when it is none. */
export function nationalIdOfRpps(number: string): string {
  return RPPS.test(number) ? `8${number}` : number;
}

/**
 * The national identifier that Pro Santé Connect says of a person: `SubjectNameID`, else the one of `otherIds` whose
 * `origine` is RPPS. `null` when the claims carry none that can be read.
 *
 * Source: ANS, "Pro Santé Connect, documentation technique", section on the claims of `scope_all`.
 */
export function nationalIdOf(claims: Readonly<Record<string, unknown>>): string | null {
  const { SubjectNameID: named, otherIds } = claims;
  if (isNationalId(named)) return nationalIdOfRpps(named);
  const others: readonly unknown[] = Array.isArray(otherIds) ? otherIds : [];
  for (const other of others) {
    if (typeof other !== 'object' || other === null || !('identifiant' in other) || !('origine' in other)) continue;
    if (other.origine === 'RPPS' && isNationalId(other.identifiant)) return nationalIdOfRpps(other.identifiant);
  }
  return null;
}

/**
 * Whether the person was authenticated as strongly as Pro Santé Connect promises: `acr` is an eIDAS level, `eidas1` or
 * above. Claims without one are refused.
 */
export function isStronglyAuthenticated({ acr }: Readonly<Record<string, unknown>>): boolean {
  return typeof acr === 'string' && /^eidas[1-3]$/.test(acr);
}

function isNationalId(value: unknown): value is string {
  return typeof value === 'string' && NATIONAL_ID.test(value);
}
