import { loseAnswers, openInHouse } from '../support/remotes.js';
import { describeKills } from './kill.suite.js';

describeKills({
  kills: 50,
  bookings: 500,
  backend: 'a simulator that loses every tenth answer to a write',
  vendors: true,
  open: (hub, index) => openInHouse(`agenda-${index + 1}`, hub.vendors!.url),
  spoil: (hub) => loseAnswers(hub.vendors!.url, 0.1),
});
