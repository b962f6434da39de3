/** Asks everything that a dashboard shows. */
import { type Values, expand, forQueries, forReaders } from './expand';
import { place } from './grid';
import { marksOf } from './marks';
import type { Answer, Dashboard, Mark, Panel, Sheet, Span } from './model';
import type { Prometheus } from './prometheus';
import { annotationStep, stepOf, times } from './steps';

/** A dashboard over a time, with what Prometheus knows of it. `scrape` is in milliseconds. */
export async function gather(
  dashboard: Dashboard,
  span: Span,
  scrape: number,
  prometheus: Prometheus,
): Promise<Sheet> {
  const variables = dashboard.templating.list;
  const queries = forQueries(variables);
  const readers = forReaders(variables);
  const panels = [];
  for (const panel of dashboard.panels) {
    const title = expand(panel.title, readers);
    const answers = await answer(panel, span, scrape, queries, prometheus);
    panels.push({ panel: { ...panel, title }, answers });
  }
  return {
    title: dashboard.title,
    variables: variables.map(({ name, label }) => ({ label, text: readers.get(name) ?? '' })),
    span,
    marks: await annotate(dashboard, span, scrape, queries, prometheus),
    panels,
  };
}

async function answer(
  panel: Panel,
  span: Span,
  scrape: number,
  variables: Values,
  prometheus: Prometheus,
): Promise<Answer[]> {
  const step = stepOf(span, place(panel.gridPos).width, scrape, panel.interval);
  const values = new Map([...variables, ...times(span, step, scrape)]);
  const answers = [];
  for (const target of panel.targets ?? []) {
    const expr = expand(target.expr, values);
    const series = target.instant
      ? await prometheus.instant(expr, span.to)
      : await prometheus.range(expr, span.from, span.to, step);
    answers.push({ target, expr, step, series });
  }
  return answers;
}

async function annotate(
  dashboard: Dashboard,
  span: Span,
  scrape: number,
  variables: Values,
  prometheus: Prometheus,
): Promise<Mark[]> {
  const step = annotationStep(scrape);
  const values = new Map([...variables, ...times(span, step, scrape)]);
  const marks = [];
  for (const annotation of dashboard.annotations.list) {
    if (annotation.enable && annotation.target?.expr) {
      const expr = expand(annotation.target.expr, values);
      const series = await prometheus.range(expr, span.from, span.to, step);
      marks.push(...marksOf(annotation, series, step, span));
    }
  }
  return marks;
}
