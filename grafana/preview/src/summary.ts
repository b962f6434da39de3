import type { Drawn, Panel } from './model';

/**
 * How many panels were drawn, had data, or showed which text instead. It is an error if one is
 * missing, or has no data and no text of its own that says why it may have none.
 */
export function summary(panels: Panel[], drawn: Drawn[]): string {
  const wanted = panels.filter(({ type }) => type !== 'row');
  if (drawn.length !== wanted.length) {
    throw new Error(`${drawn.length} of ${wanted.length} panels were drawn`);
  }
  const silent = wanted.find(
    ({ fieldConfig }, i) => drawn[i].noData && !fieldConfig.defaults.noValue,
  );
  if (silent) {
    throw new Error(`${silent.title} has no data, and no text that says why it may`);
  }
  const empty = drawn.filter(({ noData }) => noData !== undefined);
  const nan = drawn.filter(({ onlyNaN }) => onlyNaN);
  return [
    `${drawn.length} panels drawn`,
    `${drawn.length - empty.length - nan.length} with data`,
    `${empty.length} with a text instead${list(empty.map(({ title, noData }) => `${title} "${noData}"`))}`,
    `${nan.length} with nothing but NaN${list(nan.map(({ title }) => title))}`,
  ].join(', ');
}

function list(texts: string[]): string {
  return texts.length > 0 ? ` (${texts.join(', ')})` : '';
}
