/** How far apart points are, and over how long rates are taken: as Grafana's Prometheus source has it. */
import type { Values } from './expand';
import type { Span } from './model';

/** The scrape interval that the product runs with, and that intervals in dashboards are meant for. */
const PRODUCT_SCRAPE = 15_000;
/** What Grafana asks annotations at, unless told. */
const ANNOTATION_STEP = 60_000;

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration such as `1s` or `250ms` in milliseconds. */
export function milliseconds(duration: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(duration) ?? [];
  if (count === undefined) {
    throw new Error(`no duration: ${duration}`);
  }
  return Number(count) * UNITS[unit];
}

/**
 * The time between points of a panel: at most one a pixel, at least one scrape apart. A panel's own
 * least interval is shortened as much as scrapes are, as everything runs faster then.
 */
export function stepOf(span: Span, width: number, scrape: number, interval = '15s'): number {
  const least = (milliseconds(interval) / PRODUCT_SCRAPE) * scrape;
  const step = Math.max((span.to - span.from) / width, least);
  return Math.ceil(step / scrape) * scrape;
}

/** The time between points of an annotation, shortened likewise. */
export function annotationStep(scrape: number): number {
  return (ANNOTATION_STEP / PRODUCT_SCRAPE) * scrape;
}

/** What the times are that a query may name. */
export function times(span: Span, step: number, scrape: number): Values {
  return new Map([
    ['__range', `${Math.max(1_000, Math.round(span.to - span.from))}ms`],
    ['__interval', `${step}ms`],
    ['__rate_interval', `${Math.max(step + scrape, 4 * scrape)}ms`],
  ]);
}
