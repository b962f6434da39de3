/** Asks a Prometheus. */
import type { Series } from './model';

interface Reply {
  status: string;
  error?: string;
  warnings?: string[];
  data?: {
    resultType: string;
    result: Array<{
      metric: Record<string, string>;
      value?: [number, string];
      values?: Array<[number, string]>;
    }>;
  };
}

export class Prometheus {
  constructor(private readonly base: string) {}

  /** What an expression is from one time to another, every so many milliseconds. */
  range(expr: string, from: number, to: number, step: number): Promise<Series[]> {
    // Grafana starts at a multiple of the step, so that points stay where they are as time goes on.
    const start = Math.floor(from / step) * step;
    return this.ask('query_range', expr, { start: start / 1e3, end: to / 1e3, step: step / 1e3 });
  }

  /** What an expression is at a time. */
  instant(expr: string, at: number): Promise<Series[]> {
    return this.ask('query', expr, { time: at / 1e3 });
  }

  private async ask(what: string, expr: string, rest: Record<string, number>): Promise<Series[]> {
    const body = new URLSearchParams({ query: expr });
    for (const [name, value] of Object.entries(rest)) {
      body.set(name, String(value));
    }
    const url = `${this.base}/api/v1/${what}`;
    const response = await fetch(url, { method: 'POST', body }).catch((error: Error) => {
      throw new Error(`no answer from ${url}: ${error.cause ?? error.message}`);
    });
    const reply = (await response.json()) as Reply;
    const complaint = reply.error ?? reply.warnings?.join('; ');
    if (reply.status !== 'success' || complaint || !reply.data) {
      throw new Error(`Prometheus says: ${complaint ?? reply.status}; it was asked: ${expr}`);
    }
    return reply.data.result.map(({ metric, value, values }) => ({
      labels: metric,
      points: values ?? (value ? [value] : []),
    }));
  }
}
