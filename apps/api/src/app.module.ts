import { Module, type DynamicModule, type OnApplicationShutdown, type Provider, type Type } from '@nestjs/common';
import {
  Alarm,
  Approval,
  AnyOf,
  Booking,
  BulkCancellation,
  BulkStore,
  DeskStore,
  SeriesBooking,
  SeriesStore,
  Undo,
  Bookings,
  Brake,
  Calendar,
  CleanUp,
  ConflictInbox,
  Conflicts,
  Connections,
  Consents,
  Events,
  Feeds,
  HealthStore,
  LaneRunner,
  LinkLifecycle,
  Links,
  Quarantine,
  SearchSlots,
  Subscriptions,
} from '#application';
import { Authentication, Drain, OperationsModule, RateLimiter } from '#platform';
import { AgendasController } from './agendas/agendas.controller.js';
import { AppointmentAnswers } from './appointments/appointment-answers.js';
import { AppointmentsController } from './appointments/appointments.controller.js';
import { CallbackTasksController } from './callback-tasks/callback-tasks.controller.js';
import type { ApiParts } from './composition.js';
import type { Desk } from './desk.js';
import { BrakeController } from './brake/brake.controller.js';
import { ConflictsController } from './conflicts/conflicts.controller.js';
import { ConnectionsController } from './connections/connections.controller.js';
import { ConsentsController } from './consents/consents.controller.js';
import { DisconnectionsController } from './disconnections/disconnections.controller.js';
import { EventsController } from './events/events.controller.js';
import { FeedAddresses } from './feeds/feed-addresses.js';
import { FeedsController } from './feeds/feeds.controller.js';
import { PublishedController } from './feeds/published.controller.js';
import { HoldsController } from './holds/holds.controller.js';
import { LinkLifecycleController } from './links/link-lifecycle.controller.js';
import { LinksController } from './links/links.controller.js';
import { PlansController } from './links/plans.controller.js';
import { MotifsController } from './motifs/motifs.controller.js';
import { PushController } from './push/push.controller.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { Demand } from './shared/demand.js';
import { Repeats } from './shared/repeats.js';
import { Zones } from './shared/zones.js';
import { BulkCancellationsController } from './bulk-cancellations/bulk-cancellations.controller.js';
import { SeriesController } from './series/series.controller.js';
import { SlotsController } from './slots/slots.controller.js';

type Token<T> = (abstract new (...parameters: never[]) => T) & { readonly name: string };

const value = <T extends object>(provide: Token<T>, useValue: T): Provider => ({
  provide: provide as unknown as Type<T>,
  useValue,
});

/** Frees what was opened, once no request is open any more. */
class Closing implements OnApplicationShutdown {
  constructor(private readonly close: () => Promise<void>) {}

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

const deskProviders = ({ store, anyOf, series, seriesStore, undo, bulk, bulkStore }: Desk): Provider[] => [
  value(DeskStore, store),
  value(AnyOf, anyOf),
  value(SeriesBooking, series),
  value(SeriesStore, seriesStore),
  value(Undo, undo),
  value(BulkCancellation, bulk),
  value(BulkStore, bulkStore),
];

const CONTROLLERS: Type[] = [
  AgendasController,
  MotifsController,
  SlotsController,
  HoldsController,
  AppointmentsController,
  SeriesController,
  BulkCancellationsController,
  ConnectionsController,
  LinksController,
  LinkLifecycleController,
  PlansController,
  DisconnectionsController,
  EventsController,
  PushController,
  FeedsController,
  PublishedController,
  ConflictsController,
  CallbackTasksController,
  BrakeController,
  QuarantineController,
  ConsentsController,
];

/** The routes, wired to parts that exist already. */
@Module({})
export class AppModule {
  static with(parts: ApiParts): DynamicModule {
    const { readiness, drain, metrics } = parts;
    const zones = new Zones(parts.calendar);
    return {
      module: AppModule,
      imports: [OperationsModule.with({ readiness, drain, metrics })],
      controllers: CONTROLLERS,
      providers: [
        value(Booking, parts.booking),
        ...deskProviders(parts.desk),
        value(Bookings, parts.bookings),
        value(Calendar, parts.calendar),
        value(SearchSlots, parts.slots),
        value(Conflicts, parts.conflicts),
        value(ConflictInbox, parts.inbox),
        value(Connections, parts.connections),
        value(Consents, parts.consents),
        value(Links, parts.links),
        value(LinkLifecycle, parts.lifecycle),
        value(Approval, parts.approval),
        value(CleanUp, parts.cleanUp),
        value(HealthStore, parts.health),
        value(LaneRunner, parts.lanes),
        value(Events, parts.events),
        value(Alarm, parts.alarm),
        value(Authentication, parts.authentication),
        value(Drain, drain),
        value(Zones, zones),
        value(Repeats, new Repeats(parts.bookings)),
        value(AppointmentAnswers, new AppointmentAnswers(parts.bookings, zones)),
        value(Feeds, parts.feeds),
        value(FeedAddresses, new FeedAddresses(parts.feeds, parts.publicUrl)),
        value(RateLimiter, parts.rateLimiter),
        value(Subscriptions, parts.subscriptions),
        value(Brake, parts.brake),
        value(Quarantine, parts.quarantine),
        value(Demand, new Demand(parts.interest)),
        value(Closing, new Closing(() => parts.close())),
      ],
    };
  }
}
