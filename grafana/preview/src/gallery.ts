/** The page that shows all pictures. */

export interface Shown {
  file: string;
  caption: string;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]);
}

export function gallery(shown: Shown[]): string {
  const figures = shown.map(({ file, caption }) => {
    const [name, text] = [escape(file), escape(caption)];
    return `<figure>\n<figcaption>${text}</figcaption>\n<img src="${name}" alt="${text}">\n</figure>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Dashboards</title>
<style>
  body { background: #111217; color: #ccccdc; font-family: sans-serif; }
  figure { margin: 0 0 3em; }
  figcaption { padding: 1em 0; }
</style>
<h1>Dashboards, drawn from a real run</h1>
<p>Previews with components of Grafana, not Grafana itself.</p>
${figures.join('\n')}
</html>
`;
}
