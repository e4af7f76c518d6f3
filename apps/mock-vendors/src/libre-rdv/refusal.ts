/** Codes that the software answers, and how: most of them in JSON with status 200, a few as bare text with status 500. */
export const CODES = {
  10: 'pms_name manquant',
  11: 'api_version inconnue',
  12: 'apikey inconnue',
  13: 'jeton expire',
  14: 'droit insuffisant',
  21: 'agenda inconnu',
  22: 'rendez-vous inconnu',
  31: 'news trop anciennes',
  40: 'parametre invalide',
  42: 'creneau non disponible',
} as const;

export type Code = keyof typeof CODES;

const AS_TEXT: ReadonlySet<Code> = new Set([40, 42]);

/** A no in the software's own words. */
export class LibreRefusal extends Error {
  constructor(
    readonly code: Code,
    readonly detail: string = CODES[code],
  ) {
    super(detail);
  }

  get asText(): boolean {
    return AS_TEXT.has(this.code);
  }
}
