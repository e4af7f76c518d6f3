import { ConnectorError, type CallOptions, type ConnectorContext, type Http, parseJson } from '#connector-sdk';
import type { Secrets } from './config.js';
import { errorOf, senseless } from './errors.js';
import { headers as schema, type Headers } from './schemas.js';

/** Tokens that end this soon are replaced first. */
const EARLY_MS = 5 * 60_000;
const LIFE_MS = 24 * 3_600_000;

interface Parts {
  readonly url: string;
  readonly secrets: Secrets;
  readonly http: Http;
  readonly context: ConnectorContext;
}

/**
 * The three headers of one agent. Signing in ends the agent's former token (the vendor allows one device), so processes
 * share what one of them was given instead of throwing one another out.
 */
export class SignIn {
  #current: Headers | null = null;
  #pending: Promise<Headers> | null = null;

  constructor(private readonly parts: Parts) {}

  /** Headers other than those `refused`. Throws `auth`, `unavailable`, `rate_limited`; never `unknown`. */
  async get(options: CallOptions, refused: Headers | null = null): Promise<Headers> {
    if (this.#current !== null && this.#usable(this.#current, refused)) return this.#current;
    this.#pending ??= this.#renewed(options, refused).finally(() => {
      this.#pending = null;
    });
    this.#current = await this.#pending;
    return this.#current;
  }

  async #renewed(options: CallOptions, refused: Headers | null): Promise<Headers> {
    const kept = await this.#read();
    const others = parsed(kept);
    if (others !== null && this.#usable(others, refused)) return others;
    const made = await this.#signIn(options);
    await this.#keep(kept, made);
    return made;
  }

  async #signIn({ signal }: CallOptions): Promise<Headers> {
    const { url, secrets, http, context } = this.parts;
    const { email, password } = secrets;
    const answer = await http.send({
      method: 'POST',
      url,
      signal,
      // Signing in twice does no harm.
      write: false,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    if (answer.status !== 200) throw errorOf(answer, { write: false, now: context.now() });
    const { client, uid, expiry, 'access-token': token } = answer.headers;
    const until = Number(expiry) * 1000 || context.now() + LIFE_MS;
    const read = schema.safeParse({ token, client, uid, until });
    if (!read.success) throw senseless(false, answer.status);
    return read.data;
  }

  #usable(kept: Headers, refused: Headers | null): boolean {
    return kept.token !== refused?.token && kept.until - EARLY_MS > this.parts.context.now();
  }

  async #read(): Promise<string | null> {
    try {
      return (await this.parts.context.tokens?.read()) ?? null;
    } catch {
      throw new ConnectorError('unavailable', 'the tokens of this connection could not be read');
    }
  }

  /** Whoever stored first was thrown out by us, and asks anew at his next call; ours serves us until then. */
  async #keep(expected: string | null, made: Headers): Promise<void> {
    try {
      await this.parts.context.tokens?.replace(expected, JSON.stringify(made));
    } catch {
      // What could not be shared serves this session all the same.
    }
  }
}

function parsed(kept: string | null): Headers | null {
  try {
    return kept === null ? null : (schema.safeParse(parseJson(kept)).data ?? null);
  } catch {
    return null;
  }
}
