/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | Html[];

/** A template whose interpolations are escaped, save those that are HTML themselves. Its own indentation is left out. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const raw = strings.map((text) => text.replace(/\n\s*/g, '\n'));
  return new Html(String.raw({ raw }, ...parts.map(render)));
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(render).join('');
  return String(part).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
