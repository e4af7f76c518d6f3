/** Ids chosen by a client are of base32hex digits, 5 to 1024 of them (discovery document, `Event.id`). */
const DIGITS = '0123456789abcdefghijklmnopqrstuv';
const PREFIX = 'unisson';
const REFERENCE = /^[a-z0-9-]{1,64}$/;
/** `<series>_<day>` or `<series>_<instant in UTC>`. */
const INSTANCE = /^(.+)_\d{8}(?:T\d{6}Z)?$/;

/** The id under which the event of a reference is made: the same for ever, so that it cannot be made twice. */
export function eventIdOf(reference: string): string {
  const bits = [...Buffer.from(reference, 'utf8')].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return PREFIX + groups.map((group) => DIGITS[parseInt(group.padEnd(5, '0'), 2)] ?? '').join('');
}

/** The reference that an id was made of; `null` for an id that is not ours. */
export function referenceIn(eventId: string): string | null {
  if (!eventId.startsWith(PREFIX)) return null;
  const values = Array.from(eventId.slice(PREFIX.length), (digit) => DIGITS.indexOf(digit));
  if (values.includes(-1)) return null;
  const bits = values.map((value) => value.toString(2).padStart(5, '0')).join('');
  const bytes = bits.match(/.{8}/g) ?? [];
  const reference = Buffer.from(bytes.map((byte) => parseInt(byte, 2))).toString('utf8');
  return REFERENCE.test(reference) && eventIdOf(reference) === eventId ? reference : null;
}

/** The series that an instance's id names; `null` for any other id. Cancelled instances may come without `recurringEventId`. */
export function seriesIn(eventId: string): string | null {
  return INSTANCE.exec(eventId)?.[1] ?? null;
}

/** A reference as the private extended property carries it; `null` when it is none of ours. */
export function asReference(value: string | undefined): string | null {
  return value !== undefined && REFERENCE.test(value) ? value : null;
}
