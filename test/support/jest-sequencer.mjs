import TestSequencer from '@jest/test-sequencer';

/** Ten seconds and more each, longest first: begun last, one of them runs alone while the other worker has no more to do. */
const LONG = [
  'test/integration/scenarios',
  'test/integration/vendor-day',
  'test/contract/agenda-file.integration',
  'test/integration/same-answer',
  'test/contract/naive-mirrors',
  'libs/domain/src/reconcile.property',
  'test/e2e/start',
  'test/chaos/race',
  'test/contract/keldoc.integration',
  'test/integration/outages',
  'test/contract/google.integration',
  'test/contract/in-house.integration',
  'test/contract/maiia.integration',
  'test/contract/clic-rdv.integration',
  'test/contract/libre-rdv.integration',
  'test/contract/doctolib.integration',
  'test/contract/mon-docteur.integration',
  'test/contract/declarative.integration',
  'test/contract/rdv-service-public.integration',
  'test/integration/conflicts',
  'test/integration/reassigning',
  'test/integration/push.integration',
  'libs/queue/src/queue.integration',
];

const rank = ({ path }) => {
  const place = LONG.findIndex((name) => path.includes(`/${name}.`));
  return place === -1 ? LONG.length : place;
};

/** Long files first, the others in Jest's own order. */
export default class LongFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
