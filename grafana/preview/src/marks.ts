/** What annotations mark, from the series that their queries give. */
import { fill } from './legend';
import type { Annotation, Mark, Series, Span } from './model';

/** The marks of one annotation: points that follow each other closely are one time. */
export function marksOf(
  annotation: Annotation,
  series: Series[],
  step: number,
  span: Span,
): Mark[] {
  const { useValueForTime, name, iconColor: color } = annotation;
  return series.flatMap(({ labels, points }) => {
    const title = fill(annotation.titleFormat ?? name, labels);
    const marks = useValueForTime ? moments(points) : times(points, step);
    return marks
      .filter(({ time, timeEnd }) => time <= span.to && (timeEnd ?? time) >= span.from)
      .map((mark) => ({ name, title, color, ...mark }));
  });
}

function moments(points: Series['points']): Array<{ time: number; timeEnd?: number }> {
  const values = new Set(points.map(([, value]) => Math.floor(Number(value))));
  return [...values].map((time) => ({ time }));
}

function times(points: Series['points'], step: number): Array<{ time: number; timeEnd?: number }> {
  const found: Array<{ time: number; timeEnd: number }> = [];
  for (const [seconds] of points) {
    const time = seconds * 1e3;
    const last = found.at(-1);
    if (last && time <= last.timeEnd + step) {
      last.timeEnd = time;
    } else {
      found.push({ time, timeEnd: time });
    }
  }
  return found.map(({ time, timeEnd }) => (time === timeEnd ? { time } : { time, timeEnd }));
}
