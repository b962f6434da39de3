/** What a series is called. */

/** A template such as `{{outcome}} {{reason}}` with labels put in; a label that is missing is empty. */
export function fill(template: string, labels: Record<string, string>): string {
  return template.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label: string) => labels[label] ?? '').trim();
}

/** A series' name: by its target's template, else by its labels, else by the query. */
export function nameOf(template: string, labels: Record<string, string>, expr: string): string {
  if (template !== '') {
    return fill(template, labels);
  }
  const pairs = Object.entries(labels).filter(([label]) => label !== '__name__');
  if (pairs.length === 0) {
    return labels.__name__ ?? expr;
  }
  return `${labels.__name__ ?? ''}{${pairs.map(([label, value]) => `${label}="${value}"`).join(', ')}}`;
}
