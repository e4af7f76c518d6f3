import TestSequencer from '@jest/test-sequencer';

/** Files of ten seconds and more, the longest first: begun last, one of them runs alone at the end. */
const LONG = [
  /integration\/(scenarios|vendor-day)\./,
  /contract\/(agenda-file\.|naive-mirrors)/,
  /e2e\/start\.|chaos\/race\.|integration\/(outages|same-answer)\./,
  /contract\/(?!.*-behaviour)/,
  /integration\/(conflicts|push|reassigning)\.|reconcile\.property|queue\.integration/,
];

const rank = ({ path }) => {
  const place = LONG.findIndex((pattern) => pattern.test(path));
  return place === -1 ? LONG.length : place;
};

/** Long files first, the others in Jest's own order. */
export default class LongFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
