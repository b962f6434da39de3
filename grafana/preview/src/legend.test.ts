import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fill, nameOf } from './legend';

test('labels are put in, and missing ones leave nothing', () => {
  assert.equal(
    fill('{{outcome}} {{ reason }}', { outcome: 'failure', reason: 'taken' }),
    'failure taken',
  );
  assert.equal(fill('{{outcome}} {{reason}}', { outcome: 'success' }), 'success');
});

test('without a template a series is called by its labels, else by its query', () => {
  assert.equal(nameOf('', { __name__: 'up', job: 'a' }, 'up'), 'up{job="a"}');
  assert.equal(nameOf('', {}, 'sum(up)'), 'sum(up)');
});
