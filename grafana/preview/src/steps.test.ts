import assert from 'node:assert/strict';
import { test } from 'node:test';

import { milliseconds, stepOf, times } from './steps';

test('durations are read', () => {
  assert.equal(milliseconds('1s'), 1_000);
  assert.equal(milliseconds('250ms'), 250);
  assert.throws(() => milliseconds('soon'));
});

test('points are a scrape apart, or further where there are too many', () => {
  assert.equal(stepOf({ from: 0, to: 60_000 }, 500, 1_000), 1_000);
  assert.equal(stepOf({ from: 0, to: 900_000 }, 500, 1_000), 2_000);
});

test("a panel's own interval shrinks with the scrapes", () => {
  assert.equal(stepOf({ from: 0, to: 60_000 }, 500, 15_000, '1m'), 60_000);
  assert.equal(stepOf({ from: 0, to: 60_000 }, 500, 1_000, '1m'), 4_000);
});

test('rates are over four scrapes, or over a step and one more', () => {
  const span = { from: 0, to: 90_500 };
  assert.equal(times(span, 1_000, 1_000).get('__rate_interval'), '4000ms');
  assert.equal(times(span, 4_000, 1_000).get('__rate_interval'), '5000ms');
  assert.equal(times(span, 1_000, 1_000).get('__range'), '90500ms');
});
