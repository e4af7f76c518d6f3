import { loseAnswers, openInHouse } from '../support/remotes.js';
import { describeKills } from './kill.suite.js';

// A short run beside other tests; the long ones are among those that run alone.
describeKills({
  kills: 20,
  bookings: 200,
  backend: 'a simulator that loses every tenth answer to a write',
  vendors: true,
  open: (hub, index) => openInHouse(`agenda-${index + 1}`, hub.vendors!.url),
  spoil: (hub) => loseAnswers(hub.vendors!.url, 0.1),
});
