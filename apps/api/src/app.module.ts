import { Module, type DynamicModule, type OnApplicationShutdown, type Provider, type Type } from '@nestjs/common';
import {
  Alarm,
  Booking,
  Bookings,
  Brake,
  Calendar,
  Connections,
  Events,
  LaneRunner,
  Links,
  Quarantine,
  SearchSlots,
  Subscriptions,
} from '#application';
import { Authentication, Drain, OperationsModule } from '#platform';
import { AgendasController } from './agendas/agendas.controller.js';
import { AppointmentAnswers } from './appointments/appointment-answers.js';
import { AppointmentsController } from './appointments/appointments.controller.js';
import type { ApiParts } from './composition.js';
import { BrakeController } from './brake/brake.controller.js';
import { ConnectionsController } from './connections/connections.controller.js';
import { EventsController } from './events/events.controller.js';
import { HoldsController } from './holds/holds.controller.js';
import { LinksController } from './links/links.controller.js';
import { MotifsController } from './motifs/motifs.controller.js';
import { PushController } from './push/push.controller.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { Demand } from './shared/demand.js';
import { Repeats } from './shared/repeats.js';
import { Zones } from './shared/zones.js';
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

/** The routes, wired to parts that exist already. */
@Module({})
export class AppModule {
  static with(parts: ApiParts): DynamicModule {
    const { readiness, drain, metrics } = parts;
    const zones = new Zones(parts.calendar);
    return {
      module: AppModule,
      imports: [OperationsModule.with({ readiness, drain, metrics })],
      controllers: [
        AgendasController,
        MotifsController,
        SlotsController,
        HoldsController,
        AppointmentsController,
        ConnectionsController,
        LinksController,
        EventsController,
        PushController,
        BrakeController,
        QuarantineController,
      ],
      providers: [
        value(Booking, parts.booking),
        value(Bookings, parts.bookings),
        value(Calendar, parts.calendar),
        value(SearchSlots, parts.slots),
        value(Connections, parts.connections),
        value(Links, parts.links),
        value(LaneRunner, parts.lanes),
        value(Events, parts.events),
        value(Alarm, parts.alarm),
        value(Authentication, parts.authentication),
        value(Drain, drain),
        value(Zones, zones),
        value(Repeats, new Repeats(parts.bookings)),
        value(AppointmentAnswers, new AppointmentAnswers(parts.bookings, zones)),
        value(Subscriptions, parts.subscriptions),
        value(Brake, parts.brake),
        value(Quarantine, parts.quarantine),
        value(Demand, new Demand(parts.interest)),
        value(Closing, new Closing(() => parts.close())),
      ],
    };
  }
}
