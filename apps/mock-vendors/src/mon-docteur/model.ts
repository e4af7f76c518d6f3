import { z } from 'zod';

const id = z.int().min(1);
const instant = z.int().min(0).max(8_640_000_000_000_000);
const name = z.string().min(1).max(200);

export const entrySeed = z
  .strictObject({ start: instant, end: instant, title: z.string().max(500), note: z.string().max(500).default('') })
  .refine(({ start, end }) => start < end, 'start must come before end');

export const seedInput = z.strictObject({
  accounts: z.array(z.strictObject({ login: name, password: z.string().min(8) })).min(1),
  /** Addresses that may call; loopback when left out. */
  addresses: z.array(z.string()).default(['127.0.0.1', '::1', '::ffff:127.0.0.1']),
  agendas: z.array(
    z.strictObject({
      id,
      name,
      zone: z.string().default('Europe/Paris'),
      motifs: z.array(name).default(['CONSULTATION']),
      entries: z.array(entrySeed).max(20_000).default([]),
      /** Who waits for a place to become free, longest first. */
      waiting: z.array(z.strictObject({ title: name, minutes: z.int().min(1).max(600) })).default([]),
    }),
  ),
});

export type Seed = z.output<typeof seedInput>;

export interface Agenda {
  readonly id: number;
  readonly name: string;
  readonly zone: string;
  readonly motifs: readonly string[];
  /** True: only read, while its content is carried elsewhere. */
  readonly frozen: boolean;
  /** Where it went, for good. */
  readonly successor: { readonly system: string; readonly agenda: string } | null;
}

export interface Appointment {
  readonly id: number;
  readonly agendaId: number;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  readonly note: string;
  readonly motif: string;
  readonly by: 'practitioner' | 'patient' | 'api';
  /** Something in the vendor's database has gone wrong, and its times are no times. */
  readonly broken: boolean;
}

export interface Waiter {
  readonly title: string;
  readonly minutes: number;
}

export interface Subscription {
  readonly id: number;
  readonly agendaId: number;
  readonly url: string;
  /** Comes back in every message. */
  readonly label: string;
}

export const migrateInput = z.strictObject({
  agendaId: id,
  successor: z.strictObject({ system: name, agenda: name }),
});
export const agendaInput = z.strictObject({ agendaId: id });
export const entryInput = z.strictObject({ id });
