import assert from 'node:assert/strict';
import { test } from 'node:test';

import { marksOf } from './marks';

const span = { from: 0, to: 100_000 };
const alerts = { name: 'Alerts', enable: true, iconColor: 'red', titleFormat: '{{alertname}}' };

test('points that follow each other closely are one time', () => {
  const series = [
    {
      labels: { alertname: 'Down' },
      points: [1, 2, 3, 9].map((at): [number, string] => [at, '1']),
    },
  ];
  const mark = { name: 'Alerts', title: 'Down', color: 'red' };
  assert.deepEqual(marksOf(alerts, series, 1_000, span), [
    { ...mark, time: 1_000, timeEnd: 3_000 },
    { ...mark, time: 9_000 },
  ]);
});

test('a moment is what the value says, once, and only within the time shown', () => {
  const starts = { name: 'Starts', enable: true, iconColor: 'blue', useValueForTime: true };
  const points: Array<[number, string]> = [
    [1, '5000.2'],
    [2, '5000.2'],
    [3, '-7'],
  ];
  const marks = marksOf(starts, [{ labels: {}, points }], 1_000, span);
  assert.deepEqual(marks, [{ name: 'Starts', title: 'Starts', color: 'blue', time: 5_000 }]);
});
