import { expect, it } from '@jest/globals';
import { chosen } from './motives.js';

const MOTIVES = [
  { id: 366, name: 'Première consultation' },
  { id: 587, name: 'Urgence' },
  { id: 588, name: 'urgence' },
];

it('finds a motif by its number, its exact name, or its name typed otherwise', () => {
  expect(chosen(MOTIVES, '587')).toBe(587);
  expect(chosen(MOTIVES, 'urgence')).toBe(588);
  expect(chosen(MOTIVES, 'PREMIE\u0300RE  consultation')).toBe(366);
});

it('finds none where there is none, or where two could be meant', () => {
  expect(chosen(MOTIVES, 'Suivi')).toBeNull();
  expect(chosen(MOTIVES, 'URGENCE')).toBeNull();
});
