import { expect, it } from '@jest/globals';
import { parseSettings } from './settings.js';

it('reads the command line', () => {
  expect(parseSettings([])).toEqual({ port: 4010, demo: false, data: null });
  expect(parseSettings(['--port=0', '--demo', '--data=/tmp/x'])).toEqual({ port: 0, demo: true, data: '/tmp/x' });
});

it('names everything it does not understand', () => {
  expect(() => parseSettings(['--port=70000', '--demo=yes', '--data=', 'x'])).toThrow(
    '--port=70000 --demo=yes --data= x',
  );
});
