import { ruleController } from '../shared/rule-controller.js';
import { SUBSTITUTIONS } from './substitutions.schemas.js';

/** Who stands in for the practitioner, and when. */
export const SubstitutionsController = ruleController(SUBSTITUTIONS);
