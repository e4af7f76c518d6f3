import { openInHouse } from '../support/remotes.js';
import { describeCrashPoints } from './crash-points.suite.js';

describeCrashPoints('the in-house simulator', { refusesOverlap: true, everyPoint: false, open: () => openInHouse() });
