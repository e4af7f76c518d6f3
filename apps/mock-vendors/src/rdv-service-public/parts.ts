import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import type { Accounts } from './accounts.js';
import { forbidden, noRecord } from './answers.js';
import type { Agent, Organisation } from './model.js';
import type { RdvStore } from './store.js';
import type { Webhooks } from './webhooks.js';

const PER_PAGE = 100;

export interface ApiParts {
  readonly store: RdvStore;
  readonly accounts: Accounts;
  readonly faults: Faults;
  readonly webhooks: Webhooks;
  readonly now: () => number;
}

export interface ById {
  readonly Params: { readonly id: string };
}

const pageQuery = z.looseObject({ page: z.coerce.number().int().min(1).catch(1) });

/** Whoever does not belong to an organisation is refused it, unlike its lists. */
export function organisationOf({ store }: ApiParts, request: FastifyRequest<ById>, me: Agent): Organisation {
  const organisation = store.organisations.get(Number(request.params.id));
  if (!organisation) throw noRecord('Organisation', request.params.id);
  if (!me.organisationIds.includes(organisation.id)) throw forbidden();
  return organisation;
}

/** A hundred to a page, with the totals; beyond the last page there is nothing. */
export function page(request: FastifyRequest, faults: Faults, collection: Readonly<Record<string, object[]>>): object {
  const { page: current } = parsed(pageQuery, request.query);
  const [[root, all] = ['', []]] = Object.entries(collection);
  const size = faults.take(['partial-page'], {}) ? Math.floor(PER_PAGE / 3) : PER_PAGE;
  const total = Math.ceil(all.length / size);
  return {
    [root]: all.slice((current - 1) * size, current * size),
    meta: {
      current_page: current,
      next_page: current < total ? current + 1 : null,
      prev_page: current > 1 ? current - 1 : null,
      total_pages: total,
      total_count: all.length,
    },
  };
}
