/** A time in which a value stayed the same. */
export interface Run {
  value: number | null;
  from: number;
  to: number;
}

/** Values that are the same one after another, put together; the last one lasts until the end. */
export function runsOf(times: number[], values: Array<number | null>, end: number): Run[] {
  const runs: Run[] = [];
  times.forEach((time, i) => {
    const last = runs.at(-1);
    if (last) {
      last.to = time;
    }
    if (!last || last.value !== values[i]) {
      runs.push({ value: values[i], from: time, to: end });
    }
  });
  const last = runs.at(-1);
  if (last) {
    last.to = end;
  }
  return runs.filter(({ value }) => value !== null);
}
