import { APP_INTERCEPTOR } from '@nestjs/core';
import { Module, type DynamicModule, type OnApplicationShutdown, type Provider, type Type } from '@nestjs/common';
import {
  AccessTokens,
  Access,
  Alarm,
  Approval,
  AuditLog,
  AnyOf,
  Booking,
  BulkCancellation,
  BulkStore,
  BusyChanging,
  DeskStore,
  SeriesBooking,
  SeriesStore,
  SignIn,
  SignInStore,
  IdentityAdministration,
  OpenIdProviders,
  Undo,
  Bookings,
  Brake,
  Calendar,
  CleanUp,
  ConflictInbox,
  Conflicts,
  Connections,
  ConnectionTrials,
  Consents,
  Events,
  Exports,
  Feeds,
  Grants,
  HealthStore,
  LaneRunner,
  LinkLifecycle,
  Links,
  Patients,
  People,
  Quarantine,
  RulePreview,
  SearchSlots,
  Subscriptions,
  Succession,
  WaitingEntries,
  WaitingList,
  WaitingOffers,
} from '#application';
import {
  ApiKeyRecogniser,
  AttemptGuard,
  Authentication,
  Drain,
  OperationsModule,
  RateLimiter,
  SessionCookie,
} from '#platform';
import { Enforcement } from './access/enforcement.js';
import { MeController } from './access/me.controller.js';
import { GrantsController } from './grants/grants.controller.js';
import { MandatesController } from './people/mandates.controller.js';
import { TeamsController } from './people/teams.controller.js';
import { AgendaSettingsController } from './agendas/agenda-settings.controller.js';
import { ClosuresController } from './closures/closures.controller.js';
import { OffersController } from './offers/offers.controller.js';
import { OpeningsController } from './openings/openings.controller.js';
import { PreviewController } from './preview/preview.controller.js';
import { ReservesController } from './reserves/reserves.controller.js';
import { SubstitutionsController } from './substitutions/substitutions.controller.js';
import { Consultants } from './shared/consultants.js';
import { RuleDesk } from './shared/rule-desk.js';
import { AgendasController } from './agendas/agendas.controller.js';
import { AppointmentAnswers } from './appointments/appointment-answers.js';
import { AppointmentsController } from './appointments/appointments.controller.js';
import { CallbackTasksController } from './callback-tasks/callback-tasks.controller.js';
import type { AuthenticationParts } from './authentication.js';
import type { ApiParts } from './composition.js';
import type { Desk } from './desk.js';
import { AuditController } from './audit/audit.controller.js';
import { BusyController } from './busy/busy.controller.js';
import { BrakeController } from './brake/brake.controller.js';
import { ConflictsController } from './conflicts/conflicts.controller.js';
import { ConnectionTrialsController } from './connections/connection-trials.controller.js';
import { ConnectionsController } from './connections/connections.controller.js';
import { ConsentsController } from './consents/consents.controller.js';
import { DisconnectionsController } from './disconnections/disconnections.controller.js';
import { EventsController } from './events/events.controller.js';
import { ExportsController } from './exports/exports.controller.js';
import { FeedAddresses } from './feeds/feed-addresses.js';
import { FeedsController } from './feeds/feeds.controller.js';
import { PublishedController } from './feeds/published.controller.js';
import { HoldsController } from './holds/holds.controller.js';
import { LinkLifecycleController } from './links/link-lifecycle.controller.js';
import { SuccessionController } from './links/succession.controller.js';
import { LinksController } from './links/links.controller.js';
import { PlansController } from './links/plans.controller.js';
import { MotifsController } from './motifs/motifs.controller.js';
import { PatientsController } from './patients/patients.controller.js';
import { PushController } from './push/push.controller.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { Demand } from './shared/demand.js';
import { PublicAddress } from './shared/public-address.js';
import { Repeats } from './shared/repeats.js';
import { Zones } from './shared/zones.js';
import { Asking } from './slots/asking.js';
import { BulkCancellationsController } from './bulk-cancellations/bulk-cancellations.controller.js';
import { SeriesController } from './series/series.controller.js';
import { SessionsController } from './sign-in/sessions.controller.js';
import { IdentitiesController } from './sign-in/identities.controller.js';
import { SignInController } from './sign-in/sign-in.controller.js';
import { SlotsController } from './slots/slots.controller.js';
import { TokensController } from './tokens/tokens.controller.js';
import { WaitingListController } from './waiting-list/waiting-list.controller.js';
import { WaitingOffersController } from './waiting-list/waiting-offers.controller.js';

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

const deskProviders = ({ store, anyOf, series, seriesStore, undo, bulk, bulkStore, busy }: Desk): Provider[] => [
  value(DeskStore, store),
  value(AnyOf, anyOf),
  value(SeriesBooking, series),
  value(SeriesStore, seriesStore),
  value(Undo, undo),
  value(BulkCancellation, bulk),
  value(BulkStore, bulkStore),
  value(BusyChanging, busy),
];

const accessProviders = (access: AuthenticationParts): Provider[] => [
  value(Authentication, access.authentication),
  value(ApiKeyRecogniser, access.apiKeys),
  value(AccessTokens, access.accessTokens),
  value(AttemptGuard, access.attempts),
  value(SignInStore, access.signInStore),
  value(SignIn, access.signIn),
  value(IdentityAdministration, access.identities),
  value(OpenIdProviders, access.openIdProviders),
  value(SessionCookie, access.sessionCookie),
];

const CONTROLLERS: Type[] = [
  AgendasController,
  BusyController,
  MotifsController,
  SlotsController,
  HoldsController,
  AppointmentsController,
  SeriesController,
  BulkCancellationsController,
  ConnectionsController,
  ConnectionTrialsController,
  LinksController,
  LinkLifecycleController,
  SuccessionController,
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
  AgendaSettingsController,
  OffersController,
  OpeningsController,
  ClosuresController,
  ReservesController,
  SubstitutionsController,
  PreviewController,
  WaitingOffersController,
  WaitingListController,
  TokensController,
  AuditController,
  ExportsController,
  PatientsController,
  SignInController,
  SessionsController,
  IdentitiesController,
  MeController,
  GrantsController,
  TeamsController,
  MandatesController,
];

/** The routes, wired to parts that exist already. */
@Module({})
export class AppModule {
  static with(parts: ApiParts): DynamicModule {
    const { readiness, drain, metrics } = parts;
    const [zones, demand] = [new Zones(parts.calendar), new Demand(parts.interest)];
    const enforcement = new Enforcement(parts.access);
    const consultants = new Consultants(parts.rules);
    return {
      module: AppModule,
      imports: [OperationsModule.with({ readiness, drain, metrics })],
      controllers: CONTROLLERS,
      providers: [
        { provide: APP_INTERCEPTOR, useValue: enforcement },
        ...[value(Enforcement, enforcement), value(Access, parts.access)],
        ...[value(Grants, parts.grants), value(People, parts.people), value(Exports, parts.exports)],
        value(Booking, parts.booking),
        ...deskProviders(parts.desk),
        value(Bookings, parts.bookings),
        value(AuditLog, parts.audit),
        value(Calendar, parts.calendar),
        value(SearchSlots, parts.slots),
        value(Conflicts, parts.conflicts),
        value(ConflictInbox, parts.inbox),
        value(Connections, parts.connections),
        value(ConnectionTrials, parts.trials),
        value(Consents, parts.consents),
        value(Links, parts.links),
        value(LinkLifecycle, parts.lifecycle),
        value(Succession, parts.succession),
        value(Approval, parts.approval),
        value(CleanUp, parts.cleanUp),
        value(HealthStore, parts.health),
        value(LaneRunner, parts.lanes),
        value(Events, parts.events),
        value(Patients, parts.patients),
        value(Alarm, parts.alarm),
        ...accessProviders(parts.recognition),
        value(PublicAddress, new PublicAddress(parts.publicUrl)),
        value(Drain, drain),
        value(Zones, zones),
        value(Repeats, new Repeats(parts.bookings)),
        value(AppointmentAnswers, new AppointmentAnswers(parts.bookings, zones, consultants)),
        value(Feeds, parts.feeds),
        value(FeedAddresses, new FeedAddresses(parts.feeds, parts.publicUrl)),
        value(RateLimiter, parts.rateLimiter),
        value(Subscriptions, parts.subscriptions),
        value(Brake, parts.brake),
        value(Quarantine, parts.quarantine),
        value(Consultants, consultants),
        value(RulePreview, new RulePreview(parts.rules)),
        value(RuleDesk, new RuleDesk(parts.rules, new Repeats(parts.bookings))),
        ...[value(Demand, demand), value(Asking, new Asking(parts.calendar, parts.bookings, demand))],
        value(WaitingList, parts.waiting),
        value(WaitingEntries, parts.waitingEntries),
        value(WaitingOffers, parts.waitingOffers),
        value(Closing, new Closing(() => parts.close())),
      ],
    };
  }
}
