import { type Logger, pino } from 'pino';

export interface Line {
  level: number;
  msg: string;
  [key: string]: unknown;
}

/** A log that is kept for the test to look at. */
export function keptLog(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const log = pino({ base: null }, { write: (text: string) => void lines.push(JSON.parse(text) as Line) });
  return { log, lines };
}
