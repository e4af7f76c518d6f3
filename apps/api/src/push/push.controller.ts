import { Body, Controller, Headers, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Subscriptions } from '#application';
import { Answers, Problem, Public } from '#platform';

const names = z.object({ organizationId: z.uuid().toLowerCase(), linkId: z.uuid().toLowerCase() });

/** As long as a backend is left in peace. */
const LATER_MS = 30_000;

@Controller('v1/push')
export class PushController {
  constructor(private readonly subscriptions: Subscriptions) {}

  /** A signed notification of a backend. It is a hint: it wakes a read. Every failure gets the same answer. */
  @Post(':organizationId/:linkId')
  @HttpCode(204)
  @Public({ rawBody: true })
  @Answers({ 204: null }, 'body-too-large')
  async receive(
    @Param() path: unknown,
    @Headers() headers: Readonly<Record<string, string | string[] | undefined>>,
    @Query() query: Readonly<Record<string, unknown>>,
    @Body() body: unknown,
  ): Promise<void> {
    const named = names.safeParse(path);
    if (!named.success) throw new Problem('unauthenticated');
    const rawBody = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const single = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    );
    const asked = Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]),
    );
    const outcome = await this.subscriptions.receive({ ...named.data, headers: single, query: asked, rawBody });
    if (outcome === 'later') throw new Problem('temporarily-unavailable', { retryAfterMs: LATER_MS });
    if (outcome === 'refused') throw new Problem('unauthenticated');
  }
}
