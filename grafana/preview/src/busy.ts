import type { Span } from './model';
import type { Prometheus } from './prometheus';

/** What the load lab says of itself while it sends requests. */
const ACTIVE = 'max(loadtest_run_active) == 1';

/** How many scrapes of that are left out: the lab still waits for answers, and rates look back. */
const WANING = 4;

/**
 * The part of the load's time in which requests were sent, or all of it if the lab does not say. The
 * lab is scraped for some seconds more, and what shows a last value would show that nothing goes on.
 */
export async function busy(span: Span, scrape: number, prometheus: Prometheus): Promise<Span> {
  const series = await prometheus.range(ACTIVE, span.from, span.to, scrape);
  const last = series.at(0)?.points.at(-1)?.[0];
  const to = last === undefined ? span.to : last * 1e3 - WANING * scrape;
  return { from: span.from, to: to > span.from ? to : span.to };
}
