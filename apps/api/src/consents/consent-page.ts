import type { ConsentFinished } from '#application';
import { pageHtml, type Page } from '../shared/page.js';

const AGAIN = {
  fr: 'Demandez un nouveau lien au secrétariat.',
  en: 'Ask the secretariat for a new link.',
} as const;

const PAGES = {
  connected: {
    status: 200,
    fr: ['Agenda connecté', 'L’accès à votre agenda est enregistré. Vous pouvez fermer cette page.'],
    en: ['Agenda connected', 'Access to your agenda is recorded. You may close this page.'],
  },
  denied: {
    status: 403,
    fr: ['Accès refusé', `Vous n’avez pas accordé l’accès : rien n’a changé. ${AGAIN.fr}`],
    en: ['Access denied', `You did not grant access: nothing has changed. ${AGAIN.en}`],
  },
  over: {
    status: 410,
    fr: ['Lien expiré', `Ce lien a déjà servi, a été remplacé, ou date de plus de dix minutes. ${AGAIN.fr}`],
    en: ['Link expired', `This link was used or replaced, or is more than ten minutes old. ${AGAIN.en}`],
  },
  refused: {
    status: 422,
    fr: ['Autorisation non valable', `Le serveur de l’agenda n’a pas accepté cette autorisation. ${AGAIN.fr}`],
    en: ['Authorization not valid', `The agenda’s server did not accept this authorization. ${AGAIN.en}`],
  },
  narrow: {
    status: 422,
    fr: ['Droits incomplets', `Tous les droits demandés sont nécessaires : cochez toutes les cases. ${AGAIN.fr}`],
    en: ['Rights incomplete', `All the rights asked for are needed: tick every box. ${AGAIN.en}`],
  },
  otherAccount: {
    status: 422,
    fr: ['Autre compte', `Ce compte ne contient pas l’agenda déjà relié : rien n’a changé. ${AGAIN.fr}`],
    en: ['Another account', `This account does not hold the agenda that is linked: nothing has changed. ${AGAIN.en}`],
  },
  unreachable: {
    status: 503,
    fr: ['Serveur injoignable', `Le serveur de l’agenda ne répond pas pour le moment. ${AGAIN.fr}`],
    en: ['Server unreachable', `The agenda’s server does not answer at the moment. ${AGAIN.en}`],
  },
} as const satisfies Record<string, Page>;

/** The page that tells how a consent ended. Nothing of the request is repeated in it. */
export function consentPage(finished: ConsentFinished): { readonly status: number; readonly html: string } {
  const page = PAGES[pageOf(finished)];
  return { status: page.status, html: pageHtml(page) };
}

function pageOf(finished: ConsentFinished): keyof typeof PAGES {
  switch (finished.outcome) {
    case 'replaced':
      return 'connected';
    case 'denied':
    case 'over':
      return finished.outcome;
    case 'other-account':
      return 'otherAccount';
    case 'failed':
      return failedPage(finished.failure.kind);
    case 'connection-unknown':
    case 'connector-unknown':
    case 'invalid':
      return 'refused';
  }
}

function failedPage(kind: string): keyof typeof PAGES {
  if (kind === 'forbidden') return 'narrow';
  return kind === 'auth' || kind === 'invalid' ? 'refused' : 'unreachable';
}
