import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  Answers,
  CallerParam,
  ExchangeParam,
  requiredVersion,
  Right,
  versionTag,
  WriteHeaders,
  type Caller,
  type Exchange,
} from '#platform';
import { idInput, idPath, type IdPath } from '../shared/ids.js';
import { pageQuery } from '../shared/paging.js';
import { REMOVE_PROBLEMS, REPLACE_PROBLEMS, RuleDesk } from '../shared/rule-desk.js';
import { offerInput, offerPage, OFFERS, offerView, toRuling, type OfferView } from './offers.schemas.js';

const offersQuery = z.strictObject(pageQuery);
const offerPath = z.strictObject({ id: idInput, motifId: idInput });
type OfferPath = z.output<typeof offerPath>;

/** What an agenda offers, and how. */
@Controller('v1/agendas/:id/motifs')
export class OffersController {
  constructor(private readonly desk: RuleDesk) {}

  /** The motifs that can be booked here, with what whoever books has to know of each. */
  @Get()
  @Right('agenda:read', 'see-busy', { on: 'agenda', query: true })
  @Answers({ 200: offerPage }, 'not-found')
  list(
    @CallerParam() caller: Caller,
    @Param({ schema: idPath }) { id }: IdPath,
    @Query({ schema: offersQuery }) query: z.output<typeof offersQuery>,
  ): Promise<z.input<typeof offerPage>> {
    return this.desk.list(caller, id, { query, resource: OFFERS });
  }

  /** One motif as this agenda offers it: duration, questions, instruction, documents to bring. */
  @Get(':motifId')
  @Right('agenda:read', 'see-busy', { on: 'agenda' })
  @Answers({ 200: offerView, 304: null }, 'not-found')
  get(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: offerPath }) { id, motifId }: OfferPath,
  ): Promise<OfferView | undefined> {
    return this.desk.get(exchange, { id, item: motifId }, OFFERS);
  }

  /** Offers a motif, or changes how it is offered (with If-Match then). What is booked stays as it was booked. */
  @Put(':motifId')
  @Right('rule:manage', 'manage-openings', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'optional' })
  @Answers({ 200: offerView, 201: offerView }, ...REPLACE_PROBLEMS)
  async offer(
    @ExchangeParam() exchange: Exchange,
    @Param({ schema: offerPath }) { id, motifId }: OfferPath,
    @Body({ schema: offerInput }) body: z.output<typeof offerInput>,
  ): Promise<OfferView> {
    const { headers, reply } = exchange;
    const version = headers['if-match'] === undefined ? null : requiredVersion(headers);
    const change = { kind: 'motif', id: motifId, rule: toRuling(body) } as const;
    const { rules, created } = await this.desk.write(exchange, id, { change, version });
    const kept = this.desk.find(rules, 'motif', motifId);
    void reply.code(created ? 201 : 200).header('ETag', versionTag(kept.version));
    return OFFERS.view(kept, rules);
  }

  /** No longer offers a motif. What is booked stays. */
  @Delete(':motifId')
  @HttpCode(204)
  @Right('rule:manage', 'manage-openings', { on: 'agenda' })
  @WriteHeaders({ idempotencyKey: 'none', ifMatch: 'required' })
  @Answers({ 204: null }, ...REMOVE_PROBLEMS)
  remove(@ExchangeParam() exchange: Exchange, @Param({ schema: offerPath }) { id, motifId }: OfferPath): Promise<void> {
    return this.desk.remove(exchange, { id, item: motifId }, 'motif');
  }
}
