import { localParts, type Doctor, type Line } from './model.js';

const DAY_MS = 86_400_000;
/** What an export covers, in days around today. */
const PAST_DAYS = 400;
const AHEAD_DAYS = 1_100;

/** One export of one doctor's diary. */
export interface Export {
  readonly doctor: Doctor;
  readonly lines: readonly Line[];
  readonly spoilt: readonly string[];
  readonly number: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** `;` between columns, quotes where they are needed, CRLF, and a last line that counts the others. */
export function csv({ doctor, lines, spoilt, number, now }: Export): string {
  const { date: from } = localParts(now - PAST_DAYS * DAY_MS, doctor.fuseau);
  const { date: to } = localParts(now + AHEAD_DAYS * DAY_MS, doctor.fuseau);
  const rows = lines.map((line) => row(columnsOf(line, doctor.fuseau)));
  return [
    row(['#EXPORT', doctor.code, doctor.fuseau, from, to, String(number)]),
    row(['date_debut', 'heure_debut', 'date_fin', 'heure_fin', 'objet', 'commentaire']),
    ...rows,
    ...spoilt,
    row(['#FIN', String(rows.length + spoilt.length)]),
    '',
  ].join('\r\n');
}

export function agendasCsv(practice: string, doctors: readonly Doctor[]): string {
  const rows = doctors.map(({ code, nom, fuseau }) => row([code, nom, fuseau]));
  return [row(['#AGENDAS', practice]), ...rows, row(['#FIN', String(rows.length)]), ''].join('\r\n');
}

function columnsOf({ start, end, title, comment }: Line, zone: string): string[] {
  const [from, to] = [localParts(start, zone), localParts(end, zone)];
  return [from.date, from.time, to.date, to.time, title, comment];
}

export function row(columns: readonly string[]): string {
  return columns.map((text) => (/[;"\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(';');
}

/** Half of the entries have a zone by name, the others float: both are the practice's local time. */
export function ics({ doctor, lines, spoilt, number, now }: Export): string {
  const { date: from } = localParts(now - PAST_DAYS * DAY_MS, doctor.fuseau);
  const { date: to } = localParts(now + AHEAD_DAYS * DAY_MS, doctor.fuseau);
  const events = lines.flatMap((line, index) => event(line, doctor.fuseau, index % 2 === 0));
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Agenda Bureau//FR',
    `X-WR-CALNAME:${escaped(doctor.nom)}`,
    `X-WR-TIMEZONE:${doctor.fuseau}`,
    `X-AB-EXPORT:${[doctor.code, from, to, String(number)].join('|')}`,
    ...events,
    ...spoilt,
    `X-AB-NOMBRE:${String(lines.length + spoilt.length)}`,
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}

function event({ uid, start, end, title, comment }: Line, zone: string, zoned: boolean): string[] {
  const prefix = zoned ? `;TZID=${zone}` : '';
  return [
    'BEGIN:VEVENT',
    `UID:${uid}`,
    `DTSTART${prefix}:${stamp(start, zone)}`,
    `DTEND${prefix}:${stamp(end, zone)}`,
    `SUMMARY:${escaped(title)}`,
    ...(comment === '' ? [] : [`X-AB-COMMENTAIRE:${escaped(comment)}`]),
    'END:VEVENT',
  ];
}

function stamp(instant: number, zone: string): string {
  const { date, time } = localParts(instant, zone);
  return `${date.slice(6)}${date.slice(3, 5)}${date.slice(0, 2)}T${time.replace(':', '')}00`;
}

function escaped(text: string): string {
  return text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n');
}
