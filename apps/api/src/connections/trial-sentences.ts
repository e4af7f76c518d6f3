import type { TrialStep } from '#application';

interface Sentence {
  readonly fr: string;
  readonly en: string;
}

type Step = TrialStep['step'];

const PASSED: Readonly<Record<Step, (found: TrialStep['found']) => Sentence>> = {
  credentials: ({ account = '' }) => ({
    fr: `Les identifiants sont acceptés : ${account}.`,
    en: `The credentials are accepted: ${account}.`,
  }),
  agendas: ({ count = 0, agenda = '' }) => ({
    fr: `Agendas trouvés : ${String(count)}. L’essai porte sur « ${agenda} ».`,
    en: `Agendas found: ${String(count)}. The trial is about “${agenda}”.`,
  }),
  entries: ({ count = 0, unreadable = 0 }) => ({
    fr: `Les jours à venir se lisent : ${String(count)} entrées${unreadable > 0 ? `, ${String(unreadable)} illisibles` : ''}.`,
    en: `The coming days can be read: ${String(count)} entries${unreadable > 0 ? `, ${String(unreadable)} unreadable` : ''}.`,
  }),
  create: () => ({
    fr: 'Un rendez-vous d’essai a été créé à une date lointaine, et relu.',
    en: 'A trial visit was created on a far date, and read back.',
  }),
  'read-back': () => ({
    fr: 'Le rendez-vous d’essai se retrouve par sa référence.',
    en: 'The trial visit is found by its reference.',
  }),
  cancel: () => ({ fr: 'Le rendez-vous d’essai a été annulé.', en: 'The trial visit was cancelled.' }),
};

const WHAT: Readonly<Record<Step, Sentence>> = {
  credentials: { fr: 'Vérifier les identifiants', en: 'Checking the credentials' },
  agendas: { fr: 'Lister les agendas', en: 'Listing the agendas' },
  entries: { fr: 'Lire les jours à venir', en: 'Reading the coming days' },
  create: { fr: 'Créer un rendez-vous d’essai', en: 'Creating a trial visit' },
  'read-back': {
    fr: 'Retrouver le rendez-vous d’essai par sa référence',
    en: 'Finding the trial visit by its reference',
  },
  cancel: { fr: 'Annuler le rendez-vous d’essai', en: 'Cancelling the trial visit' },
};

/** What is missing, by what the backend said. */
const MISSING: Readonly<Record<NonNullable<TrialStep['failure']>['kind'], Sentence>> = {
  auth: {
    fr: 'les identifiants sont refusés. Vérifiez-les auprès de l’éditeur, puis entrez-les à nouveau.',
    en: 'the credentials are refused. Check them with the vendor, then enter them again.',
  },
  forbidden: {
    fr: 'un droit manque. Demandez à l’éditeur d’ouvrir cette action à ces identifiants.',
    en: 'a right is missing. Ask the vendor to open this action to these credentials.',
  },
  taken: {
    fr: 'l’heure est déjà prise à cette date. Recommencez plus tard.',
    en: 'the time is taken on that date already. Try again later.',
  },
  moved: {
    fr: 'cet agenda est passé chez un autre éditeur. Créez une connexion chez celui-ci.',
    en: 'this agenda has gone to another vendor. Make a connection there.',
  },
  stale: {
    fr: 'l’agenda dit que l’entrée a changé entre-temps. Vérifiez comment il numérote ses versions.',
    en: 'the agenda says that the entry changed meanwhile. Check how it counts its versions.',
  },
  not_found: {
    fr: 'l’agenda dit ne pas le connaître. Vérifiez les adresses et les identifiants d’agenda.',
    en: 'the agenda says that it does not know it. Check the addresses and the ids of agendas.',
  },
  cursor_expired: {
    fr: 'la liste des changements est refusée. Vérifiez où l’agenda donne son curseur.',
    en: 'the list of changes is refused. Check where the agenda gives its cursor.',
  },
  rate_limited: {
    fr: 'l’agenda demande de ralentir. Attendez, puis recommencez.',
    en: 'the agenda asks to slow down. Wait, then try again.',
  },
  unavailable: {
    fr: 'l’agenda ne répond pas, ou pas comme prévu. Vérifiez l’adresse et la description.',
    en: 'the agenda does not answer, or not as expected. Check the address and the description.',
  },
  unknown: {
    fr: 'l’agenda n’a pas dit si c’était fait. Regardez dans l’agenda lui-même.',
    en: 'the agenda did not say whether it was done. Look in the agenda itself.',
  },
  invalid: {
    fr: 'la demande est refusée, ou incomplète. Vérifiez les réglages.',
    en: 'the request is refused, or incomplete. Check the settings.',
  },
};

const REASONS: Readonly<Record<NonNullable<TrialStep['reason']>, Sentence>> = {
  'no-agenda': { fr: 'ces identifiants n’ouvrent aucun agenda.', en: 'these credentials open no agenda.' },
  'agenda-unknown': {
    fr: 'l’agenda demandé n’est pas parmi ceux que ces identifiants ouvrent.',
    en: 'the agenda that was asked for is not among those that these credentials open.',
  },
  'not-asked': { fr: 'pas demandé.', en: 'not asked for.' },
  'not-writable': {
    fr: 'cet agenda se lit seulement : rien n’y est écrit.',
    en: 'this agenda can only be read: nothing is written to it.',
  },
  'after-failure': { fr: 'pas essayé, après l’échec précédent.', en: 'not tried, after the failure before.' },
  'no-end': { fr: 'la lecture s’arrête avant la fin.', en: 'reading stops before the end.' },
  'not-found-again': {
    fr: 'le rendez-vous créé ne se retrouve pas. Vérifiez où l’agenda garde la référence.',
    en: 'the visit that was created is not found. Check where the agenda keeps the reference.',
  },
  'still-there': {
    fr: 'il est toujours là. Annulez-le dans l’agenda lui-même.',
    en: 'it is still there. Cancel it in the agenda itself.',
  },
};

/** One step of a trial, for people. */
export function stepSentence({ step, outcome, found, failure, reason }: TrialStep): Sentence {
  if (outcome === 'passed') return PASSED[step](found);
  const why = failure === null ? REASONS[reason ?? 'after-failure'] : MISSING[failure.kind];
  return { fr: `${WHAT[step].fr} : ${why.fr}`, en: `${WHAT[step].en}: ${why.en}` };
}
