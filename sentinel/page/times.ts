import { html, type Html } from '../html.ts';
import { duration } from '../words.ts';

/** Moments as people say them, seen from one moment in one time zone. */
export interface Times {
  /** `3 h 5 min ago`, or `3 h ahead` for one that has not come yet. */
  ago(iso: string): string;
  /** `in 3 h 5 min`, or `3 h ago` for one that is over. */
  until(iso: string): string;
  /** Negative for one that has not come yet. */
  secondsSince(iso: string): number;
  /** `today 15:00`, `Sun 22 Nov, 05:00`. */
  at(iso: string): string;
  /** A text, with the moment for machines. */
  element(iso: string, text: string): Html;
  /** The zone's name as it may be shown. */
  zone: string;
}

/** A zone that this machine does not know becomes UTC. */
export function timesIn(zone: string, now: Date): Times {
  const { format, name } = formatIn(zone);
  const secondsTo = (iso: string) => (Date.parse(iso) - now.getTime()) / 1000;
  const today = dayAndTime(format, now).day;
  const tomorrow = dayAndTime(format, new Date(now.getTime() + 86_400_000)).day;
  const yesterday = dayAndTime(format, new Date(now.getTime() - 86_400_000)).day;
  const names: Record<string, string> = {
    [yesterday]: 'yesterday ',
    [tomorrow]: 'tomorrow ',
    [today]: 'today ',
  };
  return {
    ago: (iso) => {
      const seconds = secondsTo(iso);
      return seconds > 0 ? `${duration(seconds)} ahead` : `${duration(seconds)} ago`;
    },
    until: (iso) => {
      const seconds = secondsTo(iso);
      return seconds < 0 ? `${duration(seconds)} ago` : `in ${duration(seconds)}`;
    },
    secondsSince: (iso) => -secondsTo(iso),
    at: (iso) => {
      const { day, time } = dayAndTime(format, new Date(iso));
      return `${names[day] ?? `${day}, `}${time}`;
    },
    element: (iso, text) => html`<time datetime="${iso}">${text}</time>`,
    zone: name,
  };
}

function formatIn(zone: string): { format: Intl.DateTimeFormat; name: string } {
  const fields = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  } as const;
  try {
    return { format: new Intl.DateTimeFormat('en-GB', { ...fields, timeZone: zone }), name: zone };
  } catch {
    return { format: new Intl.DateTimeFormat('en-GB', { ...fields, timeZone: 'UTC' }), name: 'UTC' };
  }
}

function dayAndTime(format: Intl.DateTimeFormat, moment: Date): { day: string; time: string } {
  const parts = Object.fromEntries(format.formatToParts(moment).map((part) => [part.type, part.value]));
  return {
    day: `${parts['weekday']} ${parts['day']} ${parts['month']}`,
    time: `${parts['hour']}:${parts['minute']}`,
  };
}
