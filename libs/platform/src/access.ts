import { applyDecorators, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension, ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Origin, TargetKind } from '#application';
import type { AccessAction, Audience, IdentityField } from '#domain';

/** What a credential can be allowed to do; every route declares the one it needs. */
export const SCOPES = [
  'agenda:read',
  'appointment:write',
  'appointment:overbook',
  'rule:manage',
  'connection:manage',
  'event:read',
  'quarantine:read',
  'audit:read',
  'patient:manage',
  'grant:manage',
] as const;

export type Scope = (typeof SCOPES)[number];

/** What a route asks of its caller: one of the scopes, or only that he is known. */
export type Demand = Scope | 'signed-in';

/** Who asks. */
export interface Caller {
  readonly organizationId: string;
  /** The key, session or identity that was shown; of a token, the key it was obtained with. */
  readonly keyId: string;
  /** An application by its key or a token, a person by his token or the console's session. */
  readonly via: 'key' | 'token' | 'person' | 'session';
  readonly scopes: ReadonlySet<string>;
  /** For whom he books. */
  readonly audience: Audience;
  /** The person who acts, or for whom the application acts; always there on writes. */
  readonly collaboratorId: string | null;
  /** Where the request came from. */
  readonly origin?: Origin;
  /** The secretariat that sent him here under a mandate, when he acts in a practice that is not his own. */
  readonly secretariatId?: string;
}

/** Who asks, as the audit log names him: an application too, where a request names nobody. */
export function actorOf({ collaboratorId, keyId, origin }: Caller): object {
  const who = collaboratorId === null ? { kind: 'application' } : { kind: 'collaborator', id: collaboratorId };
  return { ...who, key: keyId, origin };
}

/** What a route needs of the grants of whoever acts. */
export interface Need {
  /** `self`: it tells only about who asks. */
  readonly action: AccessAction | 'self';
  /** What the path's `id` names; `organization`: it concerns every agenda; left out: what query and body name. */
  readonly on?: TargetKind | 'agenda' | 'organization';
  /** What has to be visible of patients there. */
  readonly identity?: readonly IdentityField[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route demands; a route without it is refused. */
    access?: Demand | 'public';
    /** What it needs of the grants; there wherever a scope is demanded. */
    need?: Need;
    /** Takes query parameters. */
    query?: boolean;
    /** Keeps the body as bytes, for signatures. */
    rawBody?: boolean;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/**
 * What a route demands: a scope of the key, which is the application's ceiling, and an action that a grant must allow.
 * `query`: it takes query parameters; elsewhere any is refused.
 */
export const Right = (
  scope: Scope,
  action: Need['action'],
  { on, identity, ...options }: Pick<Need, 'on' | 'identity'> & { query?: boolean } = {},
): MethodDecorator =>
  applyDecorators(
    RouteConfig({ access: scope, need: { action, ...(on && { on }), ...(identity && { identity }) }, ...options }),
    ApiSecurity('apiKey', [scope]),
    ApiExtension('x-action', action),
    ApiExtension('x-on', on ?? 'named'),
    ...(identity ? [ApiExtension('x-identity', identity)] : []),
  );

/** A route for whoever is known, about himself alone. */
export const SignedIn = (): MethodDecorator =>
  applyDecorators(
    RouteConfig({ access: 'signed-in', need: { action: 'self' } }),
    ApiSecurity('apiKey', []),
    ApiExtension('x-action', 'self'),
  );

/** A route for anyone: health, documents, signed pushes. */
export const Public = (options: { rawBody?: boolean } = {}): MethodDecorator =>
  applyDecorators(RouteConfig({ access: 'public', ...options }), ApiSecurity({}));

/** The caller of a route with a {@link Right}. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (!caller) throw new Error('the caller was asked for on a public route');
  return caller;
}

export const CallerParam = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
