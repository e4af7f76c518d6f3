import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Agent, Organisation, Rdv } from './model.js';
import { Answer } from './answers.js';
import type { RdvStore } from './store.js';

const LIFE_MS = 24 * 3_600_000;

interface Token {
  readonly token: string;
  readonly client: string;
  readonly expiresAt: number;
}

/** Who is signed in, and what he may see. One agent has one token at a time: signing in again ends the former. */
export class Accounts {
  readonly #tokens = new Map<number, Token>();

  constructor(
    private readonly store: RdvStore,
    private readonly now: () => number,
  ) {}

  signIn(email: string, password: string, reply: FastifyReply): object {
    const agent = [...this.store.agents.values()].find((one) => one.email === email);
    if (agent?.password === undefined || !equal(agent.password, password))
      throw new Answer(401, { success: false, errors: ['Identifiants de connexion invalides. Veuillez réessayer.'] });
    const made = { token: random(), client: random(), expiresAt: this.now() + LIFE_MS };
    this.#tokens.set(agent.id, made);
    void reply.headers({
      'access-token': made.token,
      'token-type': 'Bearer',
      client: made.client,
      expiry: String(Math.floor(made.expiresAt / 1000)),
      uid: agent.email,
    });
    const { id, firstName: first_name, lastName: last_name } = agent;
    return { data: { id, email, provider: 'email', uid: email, first_name, last_name, deleted_at: null } };
  }

  /** The agent that the three headers stand for. */
  signedIn({ headers }: FastifyRequest): Agent {
    const agent = [...this.store.agents.values()].find(({ email }) => email === headers['uid']);
    const known = agent === undefined ? undefined : this.#tokens.get(agent.id);
    const ours =
      known !== undefined &&
      known.expiresAt > this.now() &&
      equal(known.token, String(headers['access-token'])) &&
      equal(known.client, String(headers['client']));
    if (agent === undefined || !ours)
      throw new Answer(401, { errors: ['Vous devez vous connecter ou vous inscrire pour continuer.'] });
    return agent;
  }

  /** Ends every session. */
  forget(): void {
    this.#tokens.clear();
  }

  organisationsOf({ organisationIds }: Agent): Organisation[] {
    return organisationIds.flatMap((id) => this.store.organisations.get(id) ?? []);
  }

  agentsSeenBy(me: Agent): Agent[] {
    return [...this.store.agents.values()].filter((agent) => seesAgent(me, agent));
  }

  /** Whoever is no secretary sees what is his own, or of his service. */
  seesRdv(me: Agent, { organisationId, agentId }: Rdv): boolean {
    if (!me.organisationIds.includes(organisationId)) return false;
    return me.secretary || agentId === me.id || this.store.agents.get(agentId)?.service === me.service;
  }
}

function seesAgent(me: Agent, agent: Agent): boolean {
  const together = agent.organisationIds.some((id) => me.organisationIds.includes(id));
  return together && (me.secretary || agent.id === me.id || agent.service === me.service);
}

function random(): string {
  return randomBytes(16).toString('base64url');
}

function equal(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
