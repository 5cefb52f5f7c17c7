import type { SourceConfig } from '../config/config.ts';
import { HoldfastError } from '../core/errors.ts';
import type { GapName } from '../core/glossary.ts';
import { howToAllow } from '../core/how-to-set.ts';
import type { Probe } from './source.ts';

/** The gaps of a probe that the configuration allows by name. Any other refuses the dump before its first byte. */
export function acceptGaps(config: SourceConfig, probe: Probe): Set<GapName> {
  const refused = probe.gaps.find((gap) => !config.allowIncomplete.includes(gap.name));
  if (refused !== undefined) {
    throw refused.name === 'empty'
      ? emptyError(config, refused.detail)
      : new HoldfastError('rights_missing', refused.detail, {
          hint: `Run as an administrator of the server: ${refused.mend}`,
        });
  }
  return new Set(probe.gaps.map((gap) => gap.name));
}

/** An empty dump would push good ones out: it must be meant. */
export function emptyError(config: SourceConfig, detail: string): HoldfastError {
  return new HoldfastError('source_empty', detail, {
    hint: `If that is right, set ${howToAllow(config, ['empty'], config.allowIncomplete)}.`,
  });
}

/** The same, where an administrator's statement would stand. */
export function emptyMend(config: SourceConfig): string {
  return `-- create the tables first, or set ${howToAllow(config, ['empty'], config.allowIncomplete)}`;
}
