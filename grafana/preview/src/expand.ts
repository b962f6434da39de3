/** Puts a dashboard's variables into queries and titles. */
import type { Variable } from './model';

/** Values by the name of their variable. */
export type Values = Map<string, string>;

const ALL = '$__all';
// Names begin with a letter, so `${1}` of label_replace is none.
const USE = /\$(?:\{([a-zA-Z_]\w*)(?::\w+)?\}|([a-zA-Z_]\w*))/g;

/** What each variable is in a query: `.+` for all, as Prometheus is to see it. */
export function forQueries(variables: Variable[]): Values {
  return new Map(variables.map((variable) => [variable.name, query(variable)]));
}

function query({ current: { value }, allValue }: Variable): string {
  const values = [value].flat();
  if (values.includes(ALL)) {
    return allValue ?? '.+';
  }
  return values.length === 1 ? values[0] : `(${values.join('|')})`;
}

/** What each variable is to a reader. */
export function forReaders(variables: Variable[]): Values {
  return new Map(variables.map(({ name, current }) => [name, [current.text].flat().join(' + ')]));
}

/** A text with its variables put in. */
export function expand(text: string, values: Values): string {
  return text.replace(USE, (whole, braced?: string, plain?: string) => {
    const value = values.get(braced ?? plain ?? '');
    if (value === undefined) {
      throw new Error(`no variable ${whole} is known in: ${text}`);
    }
    return value;
  });
}
