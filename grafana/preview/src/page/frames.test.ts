import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Answer, Series } from '../model';
import { framesOf } from './frames';

function answer(format: Answer['target']['format'], series: Series[], legendFormat = ''): Answer {
  const target = { refId: 'A', expr: 'x', legendFormat, format, instant: false };
  return { target, expr: 'x', step: 1_000, series };
}

const values = (given: Answer): unknown[][] =>
  framesOf(given).flatMap(({ fields }) => fields.map((field) => field.values));

test('a series is a frame with a name, and what is no number stays so', () => {
  const series = {
    labels: { job: 'a' },
    points: [
      [1, '2'],
      [2, 'NaN'],
      [3, '+Inf'],
    ] as Series['points'],
  };
  const given = answer('time_series', [series], 'job {{job}}');
  assert.deepEqual(values(given), [
    [1_000, 2_000, 3_000],
    [2, NaN, Infinity],
  ]);
  assert.equal(framesOf(given)[0].fields[1].config.displayNameFromDS, 'job a');
});

test('a table has a row for each series, a column for each label, and the value', () => {
  const given = answer('table', [
    { labels: { b: 'y' }, points: [[1, '3']] },
    { labels: { a: 'x', b: 'z' }, points: [[1, '4']] },
  ]);
  const [frame] = framesOf(given);
  assert.deepEqual(
    frame.fields.map(({ name }) => name),
    ['Time', 'a', 'b', 'Value'],
  );
  assert.deepEqual(values(given), [
    [1_000, 1_000],
    ['', 'x'],
    ['y', 'z'],
    [3, 4],
  ]);
});

test('buckets are sorted by their bounds, and hold what none below holds', () => {
  const given = answer('heatmap', [
    {
      labels: { le: '+Inf' },
      points: [
        [1, '7'],
        [2, '9'],
      ],
    },
    { labels: { le: '10' }, points: [[1, '5']] },
    {
      labels: { le: '2.5' },
      points: [
        [1, '1'],
        [2, '8'],
      ],
    },
  ]);
  const [frame] = framesOf(given);
  assert.deepEqual(
    frame.fields.map(({ name }) => name),
    ['Time', '2.5', '10', '+Inf'],
  );
  assert.deepEqual(values(given), [
    [1_000, 2_000],
    [1, 8],
    [4, 0],
    [2, 1],
  ]);
});

test('nothing is no frame', () => {
  assert.deepEqual(framesOf(answer('table', [])), []);
});
