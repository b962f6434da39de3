import assert from 'node:assert/strict';
import { test } from 'node:test';

import { expand, forQueries, forReaders } from './expand';

const all = {
  name: 'job',
  label: 'Job',
  allValue: '.+',
  current: { text: ['All'], value: ['$__all'] },
};
const some = {
  name: 'route',
  label: 'Route',
  current: { text: ['/a', '/b'], value: ['/a', '/b'] },
};

test('all values of a variable are asked for by its own expression', () => {
  const values = forQueries([all, some]);
  assert.equal(expand('up{job=~"$job"}', values), 'up{job=~".+"}');
});

test('several values are asked for as alternatives', () => {
  assert.equal(expand('x{r=~"${route}"}', forQueries([some])), 'x{r=~"(/a|/b)"}');
});

test('a reader sees names', () => {
  assert.equal(expand('By route: $route', forReaders([some])), 'By route: /a + /b');
});

test('the groups of label_replace are no variables', () => {
  const query = 'label_replace(x, "class", "${1}xx", "code", "(.)..") + y{a="$1"}';
  assert.equal(expand(query, forQueries([])), query);
});

test('a variable that is not known is a mistake', () => {
  assert.throws(() => expand('up{job=~"$jib"}', forQueries([all])), /\$jib/);
});
