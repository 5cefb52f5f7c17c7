import type { RunStatus } from '../heartbeat.ts';
import { html, type Html } from '../html.ts';
import { clip } from './clip.ts';

/** Why a run ended as it did and what to do; for one that succeeded, what is to be read although it did. */
export function why({ result, notes, reason, hint }: RunStatus): Html {
  const texts = result === 'succeeded' ? notes : [reason, hint ?? ''];
  return html`${texts.filter(Boolean).map((text) => html`<p class="why">${withCode(clip(text, 400))}</p>`)}`;
}

/**
 * A command between backticks is to be typed. MySQL's and MariaDB's statements have backticks of their own around names: those stay, for who
 * copies a statement needs them.
 */
const COMMAND = /`((?:holdfast|docker|pg_restore|--[a-z-]+)(?: [^`]*)?|[A-Z]{3,} [^`]*;)`(?!@|\.[*`])/;

function withCode(text: string): Html[] {
  return text.split(COMMAND).map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}
