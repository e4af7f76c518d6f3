/** French numbers by their first digits (ARCEP, national numbering plan): overseas ones have country codes of their own. */
const OVERSEAS: readonly (readonly [RegExp, string])[] = [
  [/^0(590|690|691)/, '+590'],
  [/^0(594|694)/, '+594'],
  [/^0(596|696|697)/, '+596'],
  [/^0(262|263|269|639|692|693)/, '+262'],
];

/**
 * A telephone number as E.164 (`+33612345678`): international with `+` or `00`, or French as it is dialled in France.
 * Spaces, dots, hyphens, slashes and brackets do not count, nor the `(0)` that some write after a country code.
 * `null` for anything else.
 */
export function e164Of(text: string): string | null {
  const dialled = text.replace(/^(\s*(?:\+|00)[\d .]*)\(0\)/, '$1').replace(/[\s./()-]/g, '');
  if (/^\+[1-9]\d{6,14}$/.test(dialled)) return dialled.replace(/^\+330(?=\d{9}$)/, '+33');
  if (/^00[1-9]\d{6,14}$/.test(dialled)) return e164Of(`+${dialled.slice(2)}`);
  if (!/^0[1-9]\d{8}$/.test(dialled)) return null;
  const code = OVERSEAS.find(([numbers]) => numbers.test(dialled))?.[1] ?? '+33';
  return code + dialled.slice(1);
}

/** A name as it is compared: no accents, case, hyphens, spaces. */
export function foldedName(name: string): string {
  return name.normalize('NFD').replace(/\P{L}/gu, '').toUpperCase();
}
