import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runsOf } from './runs';

test('the same values are one run, gaps are none, and the last one lasts', () => {
  assert.deepEqual(runsOf([0, 1, 2, 3, 4], [1, 1, null, 0, 0], 9), [
    { value: 1, from: 0, to: 2 },
    { value: 0, from: 3, to: 9 },
  ]);
});
