import { stripVTControlCharacters, styleText } from 'node:util';

const INDENT = ' '.repeat(8);
const WIDEST = 100;

/** What a step tells while it runs. */
export interface Step {
  /** What it waits for right now: replaces the last note at a terminal. */
  note(text: string): void;
  /** A line below the step's own one; folded where it is long. */
  line(text: string): void;
  /** The same, as it stands on a page that is shown. */
  quote(text: string): void;
}

/** A step that failed, with the names of the logs that may tell why. */
export class StepFailed extends Error {
  readonly logs: string[];

  constructor(title: string, number: number, logs: string[], cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`step ${number} (${title}) failed: ${why}`, { cause });
    this.logs = logs;
  }
}

const NOTE_EVERY_MS = 5_000;
const SPINNER_EVERY_MS = 120;
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** The demo's page: numbered steps, one line each, alive at a terminal and plain anywhere else. */
export class Screen {
  private readonly out: NodeJS.WriteStream;
  private readonly startedAt = performance.now();
  private readonly total: number;
  private number = 0;
  private interrupted = false;
  private line: LiveLine | PlainLine | null = null;

  constructor(out: NodeJS.WriteStream, total: number) {
    this.out = out;
    this.total = total;
  }

  style(style: Style | Style[], text: string): string {
    return styleText(style, text, { stream: this.out });
  }

  print(text = ''): void {
    this.out.write(`${this.out.isTTY ? '\x1b[K' : ''}${text}\n`);
  }

  /** Ends the line of the step that runs: what becomes of it is of no interest any more. */
  interrupt(): void {
    if (!this.interrupted) this.line?.end(this.style('yellow', '!'), 'interrupted');
    this.interrupted = true;
  }

  /** At a terminal, a line that the next one takes the place of. */
  passing(text: string): void {
    if (this.out.isTTY) this.out.write(`\r\x1b[K${this.style('dim', text)}\r`);
  }

  elapsed(): string {
    return seconds(performance.now() - this.startedAt);
  }

  /** Runs the step; its answer completes the line. Throws StepFailed. */
  async step(title: string, logs: string[], run: (step: Step) => Promise<string>): Promise<void> {
    this.number += 1;
    const head = this.style('dim', `[${String(this.number).padStart(2)}/${this.total}]`);
    const line = this.out.isTTY ? new LiveLine(this.out, head, title) : new PlainLine(this.out, head, title);
    this.line = line;
    const below: string[] = [];
    const startedAt = performance.now();
    const took = () => this.style('dim', `(${seconds(performance.now() - startedAt)})`);
    try {
      const answer = await run({
        note: (text) => line.note(text),
        line: (text) => below.push(...this.folded(text, '')),
        quote: (text) => below.push(...this.folded(text, `${this.style('dim', '│')} `)),
      });
      line.end(this.style('green', '✓'), `${answer} ${took()}`);
      for (const text of below) this.print(`${INDENT}${text}`.trimEnd());
    } catch (error) {
      if (this.interrupted) throw error;
      line.end(this.style('red', '✗'), `${this.style('red', 'failed')} ${took()}`);
      for (const text of below) this.print(`${INDENT}${text}`.trimEnd());
      throw new StepFailed(title, this.number, logs, error);
    }
  }

  private folded(text: string, prefix: string): string[] {
    const room = Math.min(this.out.isTTY ? this.out.columns : WIDEST, WIDEST) - INDENT.length - 2;
    // Columns of a table and styled words stay as they are.
    if (text.includes('  ') || stripVTControlCharacters(text) !== text) return [prefix + text];
    const lines = [''];
    for (const word of text.split(' ')) {
      const last = lines.at(-1) ?? '';
      if (last !== '' && last.length + 1 + word.length > room) lines.push(word);
      else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return lines.map((line) => prefix + line);
  }
}

/** At a terminal: one line that is written anew again and again. */
class LiveLine {
  private readonly out: NodeJS.WriteStream;
  private readonly head: string;
  private readonly title: string;
  private readonly startedAt = performance.now();
  private readonly timer: NodeJS.Timeout;
  private text = '';
  private frame = 0;

  constructor(out: NodeJS.WriteStream, head: string, title: string) {
    this.out = out;
    this.head = head;
    this.title = title;
    this.timer = setInterval(() => this.draw(), SPINNER_EVERY_MS);
    this.draw();
  }

  note(text: string): void {
    this.text = text;
    this.draw();
  }

  end(mark: string, answer: string): void {
    clearInterval(this.timer);
    this.out.write(`\r\x1b[K${this.head} ${mark} ${this.title}: ${answer}\n`);
  }

  private draw(): void {
    this.frame = (this.frame + 1) % FRAMES.length;
    const since = seconds(performance.now() - this.startedAt).replace(/\.\d/, '');
    const whole = `${this.head} ${FRAMES[this.frame]} ${this.title} … ${this.text} `;
    // A line that wraps cannot be written over.
    const room = this.out.columns - since.length - 3;
    const plain = stripVTControlCharacters(whole);
    this.out.write(`\r\x1b[K${plain.length > room ? plain.slice(0, room) : whole}(${since})`);
  }
}

/** In a file or a pipe: one line that only grows. */
class PlainLine {
  private readonly out: NodeJS.WriteStream;
  private notedAt = performance.now();

  constructor(out: NodeJS.WriteStream, head: string, title: string) {
    this.out = out;
    out.write(`${head} ${title} …`);
  }

  note(text: string): void {
    if (performance.now() - this.notedAt < NOTE_EVERY_MS) return;
    this.notedAt = performance.now();
    this.out.write(` ${text} …`);
  }

  end(_mark: string, answer: string): void {
    this.out.write(` ${answer}\n`);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
