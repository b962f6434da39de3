/** Everything that the page loads. There is no server: the browser is given these when it asks. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { build } from 'esbuild';

import type { Sheet } from './model';

export interface Asset {
  contentType: string;
  body: string | Buffer;
}

export type Assets = (path: string) => Promise<Asset>;

const HTML = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="main.css">
  <style>
    body { margin: 0; }
  </style>
  <script type="module" src="main.js"></script>
</html>
`;

/** Grafana's names of its fonts' files begin with these. Fontsource has the same fonts. */
const FONTS: Array<[RegExp, string]> = [
  [/^public\/fonts\/inter\/Inter-Regular\./, 'inter/files/inter-latin-400-normal.woff2'],
  [/^public\/fonts\/inter\/Inter-Medium\./, 'inter/files/inter-latin-500-normal.woff2'],
  [/^public\/fonts\/roboto\//, 'roboto-mono/files/roboto-mono-latin-400-normal.woff2'],
];

/** Bundles the page's program, with packages from a folder. */
export async function bundle(page: string, modules: string): Promise<Map<string, Asset>> {
  const { outputFiles } = await build({
    entryPoints: [page],
    nodePaths: [modules],
    outdir: '/',
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    // Editors, which no panel needs, stay in files of their own that are never asked for.
    splitting: true,
    loader: { '.ttf': 'empty' },
    logLevel: 'error',
  });
  return new Map(
    outputFiles.map(({ path, text }) => [
      path.replace(/^.*[\\/]/, ''),
      { contentType: path.endsWith('.css') ? 'text/css' : 'text/javascript', body: text },
    ]),
  );
}

/** What the page finds where, for one sheet. */
export function assets(program: Map<string, Asset>, modules: string, sheet: Sheet): Assets {
  return async (path) => {
    const made = program.get(path);
    if (made) {
      return made;
    }
    if (path === '') {
      return { contentType: 'text/html', body: HTML };
    }
    if (path === 'sheet.json') {
      return { contentType: 'application/json', body: JSON.stringify(sheet) };
    }
    const font = FONTS.find(([name]) => name.test(path))?.[1];
    if (font) {
      return {
        contentType: 'font/woff2',
        body: await readFile(join(modules, '@fontsource', font)),
      };
    }
    const icon = /^public\/build\/(img\/icons\/[\w/-]+\.svg)$/.exec(path)?.[1];
    if (icon) {
      const file = join(modules, '@grafana/ui/dist/public', icon);
      return { contentType: 'image/svg+xml', body: await readFile(file) };
    }
    throw new Error(`the page asks for ${path}`);
  };
}
