import type { ProblemType } from './busy-problems.js';

/** Refusals of what is done about grants, exports and the accounts of people. */
export const ACCESS_PROBLEMS = {
  'second-person-required': {
    status: 409,
    fr: 'Une seconde personne, ni celle qui l’a proposé ou demandé ni celle qui le reçoit, doit en décider.',
    en: 'A second person, neither who proposed or asked for it nor who receives it, has to decide on it.',
  },
  'grant-ended': {
    status: 409,
    fr: 'Ce droit est révoqué, ou n’attend pas d’approbation : accordez-en un nouveau.',
    en: 'This grant is revoked, or does not wait for approval: issue a new one.',
  },
  'export-awaiting-approval': {
    status: 409,
    fr: 'Cet export attend l’approbation d’une seconde personne.',
    en: 'This export waits for the approval of a second person.',
  },
  'export-ended': {
    status: 409,
    fr: 'Cet export est refusé, expiré, déjà décidé ou déjà téléchargé : demandez-en un nouveau.',
    en: 'This export is refused, expired, decided already or fetched already: ask for a new one.',
  },
  'export-not-yours': {
    status: 403,
    fr: 'Seule la personne qui a demandé cet export peut le télécharger.',
    en: 'Only the person who asked for this export can fetch it.',
  },
  'not-delegable': {
    status: 409,
    fr: 'Ce droit ne peut pas être délégué : demandez un droit délégable à qui gère les droits de l’agenda.',
    en: 'This grant cannot be passed on: ask who manages the rights of the agenda for one that can.',
  },
  'operator-required': {
    status: 409,
    fr: 'Cette personne peut approuver ce que d’autres demandent, ou gérer des droits : l’exploitant du hub relie son compte (npm run hub -- person link).',
    en: 'This person can approve what others ask for, or manage rights: the operator of the hub links the account (npm run hub -- person link).',
  },
} as const satisfies Record<string, ProblemType>;
