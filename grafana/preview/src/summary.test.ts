import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Panel } from './model';
import { summary } from './summary';

function panel(title: string, noValue?: string): Panel {
  const fieldConfig = { defaults: { noValue }, overrides: [] };
  return {
    id: 1,
    type: 'stat',
    title,
    gridPos: { x: 0, y: 0, w: 1, h: 1 },
    fieldConfig,
    options: {},
  };
}

test('what was drawn is counted', () => {
  const drawn = [
    { title: 'a', onlyNaN: false },
    { title: 'b', onlyNaN: false, noData: 'quiet' },
    { title: 'c', onlyNaN: true },
  ];
  assert.equal(
    summary([panel('a'), panel('b', 'quiet'), panel('c')], drawn),
    '3 panels drawn, 1 with data, 1 with a text instead (b "quiet"), 1 with nothing but NaN (c)',
  );
});

test('no data without a reason is an error, and so is a panel that is missing', () => {
  const drawn = [{ title: 'a', onlyNaN: false, noData: 'No data' }];
  assert.throws(() => summary([panel('a')], drawn), /a has no data/);
  assert.throws(() => summary([panel('a'), panel('b')], drawn), /1 of 2/);
});
