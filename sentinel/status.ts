import { type Status, statusMaxBytes, statusSchema } from './heartbeat.ts';
import { readSmallFile } from './small-file.ts';

/** What the agent tells, or the phrase that says why there is nothing to show. */
export type AgentStatus = { known: true; status: Status } | { known: false; problem: string };

/** Reads `status.json`; never throws. Nothing that it holds changes a verdict. */
export function readStatus(path: string): AgentStatus {
  const file = readSmallFile(path, statusMaxBytes);
  if (!file.ok) return { known: false, problem: file.detail };

  const parsed = statusSchema.safeParse(parseJson(file.text));
  if (parsed.success) return { known: true, status: parsed.data };
  const first = parsed.error.issues[0];
  return { known: false, problem: `not understood: ${first?.path.join('.')}: ${first?.message}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
