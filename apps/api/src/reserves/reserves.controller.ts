import { ruleController } from '../shared/rule-controller.js';
import { RESERVES } from './reserves.schemas.js';

/** Parts of the open time that are kept for some until they are released. */
export const ReservesController = ruleController(RESERVES);
