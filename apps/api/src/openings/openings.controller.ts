import { ruleController } from '../shared/rule-controller.js';
import { OPENINGS } from './openings.schemas.js';

/** When the agenda can be booked, for what, by whom. Search sees a change at once. */
export const OpeningsController = ruleController(OPENINGS);
