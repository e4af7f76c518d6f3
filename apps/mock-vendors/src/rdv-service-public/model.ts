import { z } from 'zod';

/** States of a rendez-vous. The last two free the agent's time. */
export const STATUSES = ['unknown', 'waiting', 'seen', 'noshow', 'excused', 'revoked'] as const;
export type Status = (typeof STATUSES)[number];

const id = z.int().min(1);
const instant = z.int().min(0).max(8_640_000_000_000_000);
const name = z.string().min(1).max(200);

export const organisationSeed = z.strictObject({ id, name });

export const agentSeed = z.strictObject({
  id,
  email: z.email(),
  firstName: name,
  lastName: name,
  /** Left out: an agent who never signs in. */
  password: z.string().min(8).optional(),
  organisationIds: z.array(id).min(1),
  service: name.default('Médecine'),
  /** Of the service « secrétariat »: sees every agent of the organisations. */
  secretary: z.boolean().default(false),
  /** May register webhooks. */
  territorialAdmin: z.boolean().default(false),
});

export const entrySeed = z
  .strictObject({
    agentId: id,
    kind: z.enum(['absence', 'rdv']),
    start: instant,
    end: instant,
    title: z.string().max(500),
  })
  .refine(({ start, end }) => start < end, 'start must come before end');

export const seedInput = z.strictObject({
  organisations: z.array(organisationSeed),
  agents: z.array(agentSeed),
  entries: z.array(entrySeed).max(20_000).default([]),
});

export type Organisation = z.output<typeof organisationSeed>;
export type Agent = z.output<typeof agentSeed>;

/** An agent's absence as the vendor keeps it: local dates and times, apart. */
export interface Absence {
  readonly id: number;
  readonly agentId: number;
  readonly title: string;
  readonly firstDay: string;
  readonly startTime: string;
  readonly endDay: string;
  readonly endTime: string;
  /** `null`: once. */
  readonly rrule: string | null;
  readonly by: 'practitioner' | 'api';
  readonly deleted: boolean;
}

export interface Rdv {
  readonly id: number;
  readonly uuid: string;
  readonly agentId: number;
  readonly organisationId: number;
  /** The motif's name; an online patient's own name never leaves the simulator's `users`. */
  readonly motif: string;
  readonly start: number;
  readonly end: number;
  readonly status: Status;
  readonly by: 'practitioner' | 'patient';
  /** Something in the vendor's database has gone wrong, and it shows no time. */
  readonly broken: boolean;
  readonly deleted: boolean;
}

export interface Endpoint {
  readonly id: number;
  readonly organisationId: number;
  readonly targetUrl: string;
  readonly secret: string;
  readonly subscriptions: readonly string[];
}

/** What a webhook is about. */
export type Happening =
  | { readonly model: 'Absence'; readonly event: Event; readonly absence: Absence }
  | { readonly model: 'Rdv'; readonly event: Event; readonly rdv: Rdv };

export type Event = 'created' | 'updated' | 'destroyed';
