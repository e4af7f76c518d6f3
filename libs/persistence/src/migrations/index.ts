import { Tenancy1763770001000 } from './0001-tenancy.js';
import { Agendas1763770002000 } from './0002-agendas.js';
import { Connections1763770003000 } from './0003-connections.js';
import { Claims1763770004000 } from './0004-claims.js';
import { Booking1763770005000 } from './0005-booking.js';
import { Moving1763770006000 } from './0006-moving.js';
import { Isolation1763770007000 } from './0007-isolation.js';
import { Ending1763770008000 } from './0008-ending.js';
import { Synchronising1763770009000 } from './0009-synchronising.js';
import { Linking1763770010000 } from './0010-linking.js';
import { FindingClaims1763770010500 } from './0011-finding-claims.js';
import { Feeds1763770011000 } from './0012-feeds.js';
import { Conflicts1763770012000 } from './0013-conflicts.js';
import { Resolving1763770012100 } from './0014-resolving.js';
import { Reassigning1763770012200 } from './0015-reassigning.js';
import { Copies1763770012300 } from './0016-copies.js';
import { LinkLifecycle1763770013000 } from './0017-link-lifecycle.js';
import { KeptPromises1763770013500 } from './0018-kept-promises.js';
import { GuardsAndPush1763770014000 } from './0019-guards-and-push.js';
import { ConsentAndSilence1763770020000 } from './0020-consent-and-silence.js';
import { Rules1763770022000 } from './0022-rules.js';
import { BookingByRules1763770023000 } from './0023-booking-by-rules.js';
import { MovingByRules1763770024000 } from './0024-moving-by-rules.js';
import { Horizon1763770025000 } from './0025-horizon.js';
import { HeldOrBusy1763770026000 } from './0026-held-or-busy.js';
import { Desk1763770027000 } from './0027-desk.js';
import { WaitingList1763770028000 } from './0028-waiting-list.js';
import { PlannedOnce1763770029000 } from './0029-planned-once.js';
import { BackendRules1763770030000 } from './0030-backend-rules.js';
import { Succession1763770031000 } from './0031-succession.js';
import { Requests1763770032000 } from './0032-requests.js';
import { Access1763770033000 } from './0033-access.js';
import { VisibleAgendas1763770034000 } from './0034-visible-agendas.js';
import { Credentials1763770038000 } from './0038-credentials.js';
import { Audit1763770040000 } from './0040-audit.js';
import { OrganizationKeys1763770042000 } from './0042-organization-keys.js';
import { People1763770042500 } from './0039-people.js';
import { PatientRights1763770043000 } from './0043-patient-rights.js';
import { Manners1763770045000 } from './0045-manners.js';
import { UnansweredRequests1763770047000 } from './0047-unanswered-requests.js';
import { BusyChanges1763770053000 } from './0053-busy-changes.js';
import { MirrorsFoundByKey1763770054000 } from './0054-mirrors-found-by-key.js';
import { Exports1763770055000 } from './0055-exports.js';
import { ForeignObjectsAtOnce1763770058000 } from './0058-foreign-objects-at-once.js';
import { NewObjectsHoldNothing1763770059000 } from './0059-new-objects-hold-nothing.js';
import { FewerStepsInABooking1763770060000 } from './0060-fewer-steps-in-a-booking.js';
import { FirstReadsMeetOnlyOurs1763770061000 } from './0061-first-reads-meet-only-ours.js';
import { FirstReadsSideBySide1763770062000 } from './0062-first-reads-side-by-side.js';

/** Every migration, oldest first. Forward-only: a landed one is never edited. */
export const migrations = [
  Tenancy1763770001000,
  Agendas1763770002000,
  Connections1763770003000,
  Claims1763770004000,
  Booking1763770005000,
  Moving1763770006000,
  Isolation1763770007000,
  Ending1763770008000,
  Synchronising1763770009000,
  Linking1763770010000,
  FindingClaims1763770010500,
  Feeds1763770011000,
  Conflicts1763770012000,
  Resolving1763770012100,
  Reassigning1763770012200,
  Copies1763770012300,
  LinkLifecycle1763770013000,
  KeptPromises1763770013500,
  GuardsAndPush1763770014000,
  ConsentAndSilence1763770020000,
  Rules1763770022000,
  BookingByRules1763770023000,
  MovingByRules1763770024000,
  Horizon1763770025000,
  HeldOrBusy1763770026000,
  Desk1763770027000,
  WaitingList1763770028000,
  PlannedOnce1763770029000,
  BackendRules1763770030000,
  Succession1763770031000,
  Requests1763770032000,
  Access1763770033000,
  VisibleAgendas1763770034000,
  Credentials1763770038000,
  Audit1763770040000,
  OrganizationKeys1763770042000,
  People1763770042500,
  PatientRights1763770043000,
  Manners1763770045000,
  UnansweredRequests1763770047000,
  BusyChanges1763770053000,
  MirrorsFoundByKey1763770054000,
  Exports1763770055000,
  ForeignObjectsAtOnce1763770058000,
  NewObjectsHoldNothing1763770059000,
  FewerStepsInABooking1763770060000,
  FirstReadsMeetOnlyOurs1763770061000,
  FirstReadsSideBySide1763770062000,
];
