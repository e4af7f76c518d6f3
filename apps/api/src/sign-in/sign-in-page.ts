import type { SignInFinished } from '#application';
import type { Page } from '../shared/page.js';

type Failed = Exclude<SignInFinished, { outcome: 'signed-in' }>;

const AGAIN = { fr: 'Recommencez depuis la console.', en: 'Begin again from the console.' } as const;

const PAGES: Readonly<Record<Exclude<Failed['outcome'], 'person-unknown'>, Page>> = {
  over: {
    status: 410,
    fr: [
      'Connexion expirée',
      `Cette connexion a déjà servi, date de plus de dix minutes, ou a commencé dans un autre navigateur. ${AGAIN.fr}`,
    ],
    en: [
      'Sign-in is over',
      `This sign-in was used, is more than ten minutes old, or began in another browser. ${AGAIN.en}`,
    ],
  },
  denied: {
    status: 403,
    fr: ['Connexion refusée', `Le fournisseur d’identité n’a pas accordé la connexion. ${AGAIN.fr}`],
    en: ['Sign-in denied', `The identity provider did not grant the sign-in. ${AGAIN.en}`],
  },
  refused: {
    status: 422,
    fr: ['Connexion non valable', `La réponse du fournisseur d’identité ne prouve pas qui vous êtes. ${AGAIN.fr}`],
    en: ['Sign-in not valid', `The identity provider’s answer does not prove who you are. ${AGAIN.en}`],
  },
  inactive: {
    status: 403,
    fr: ['Accès fermé', 'Votre accès à cette structure a été fermé. Adressez-vous à votre administrateur.'],
    en: ['Access closed', 'Your access to this organization was closed. Ask your administrator.'],
  },
  unreachable: {
    status: 503,
    fr: ['Fournisseur injoignable', `Le fournisseur d’identité ne répond pas pour le moment. ${AGAIN.fr}`],
    en: ['Provider unreachable', `The identity provider does not answer at the moment. ${AGAIN.en}`],
  },
};

/** The page that tells why somebody is not signed in, and what to do. */
export function signInPage(failed: Failed): Page {
  if (failed.outcome !== 'person-unknown') return PAGES[failed.outcome];
  const { subject, provider } = failed;
  return {
    status: 403,
    fr: [
      'Compte inconnu',
      `Votre compte n’est relié à aucun collaborateur de cette structure. Donnez ceci à votre administrateur, qui vous reliera : ${subject} (${provider}).`,
    ],
    en: [
      'Unknown account',
      `Your account is linked to no collaborator of this organization. Give this to your administrator, who links you: ${subject} (${provider}).`,
    ],
  };
}
