import { ruleController } from '../shared/rule-controller.js';
import { CLOSURES } from './closures.schemas.js';

/** Leave and other closures, and public holidays, which are opened by adding their date to the agenda’s worked holidays. */
export const ClosuresController = ruleController(CLOSURES);
