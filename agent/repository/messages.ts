import { z } from 'zod';

/**
 * What restic (0.19.1 and later) says in JSON, read through schemas: only the fields that are used, so that a newer
 * restic may add some. Its stderr is mixed text and JSON in every version, so a line that is no JSON is text, not an error.
 */
export const snapshotMessage = z.object({
  id: z.string(),
  short_id: z.string(),
  time: z.string(),
  hostname: z.string(),
  paths: z.array(z.string()),
  tags: z.array(z.string()).nullish(),
  original: z.string().nullish(),
  summary: z.object({ total_bytes_processed: z.number() }).nullish(),
});

export const snapshotsMessage = z.array(snapshotMessage);

export const backupSummary = z.object({
  message_type: z.literal('summary'),
  data_added: z.number(),
  data_added_packed: z.number().optional(),
  total_files_processed: z.number(),
  total_bytes_processed: z.number(),
  snapshot_id: z.string().optional(),
});

export const backupStatus = z.object({
  message_type: z.literal('status'),
  bytes_done: z.number().optional(),
});

/** One of each file and folder, where restic is told to be wordy. */
export const backupItem = z.object({
  message_type: z.literal('verbose_status'),
  item: z.string(),
  data_size_in_repo: z.number(),
});

export const fileNode = z.object({
  message_type: z.literal('node'),
  type: z.literal('file'),
  path: z.string(),
  size: z.number().optional(),
});

/** Of a restore's status and summary alike. */
export const restoreProgress = z.object({ bytes_restored: z.number() });

export const configMessage = z.object({ id: z.string() });

/** `null` stands for an empty list; an empty repository answers with nothing at all. */
export const forgetMessage = z.array(
  z.object({
    keep: z.array(snapshotMessage).nullish(),
    remove: z.array(snapshotMessage).nullish(),
  }),
);

export const lockMessage = z.object({ time: z.string(), hostname: z.string(), pid: z.number() });

export const statsMessage = z.object({ total_size: z.number(), snapshots_count: z.number() });

export const checkSummary = z.object({
  message_type: z.literal('summary'),
  num_errors: z.number(),
  broken_packs: z.array(z.string()).nullish(),
});

const exitError = z.object({ message_type: z.literal('exit_error'), code: z.number(), message: z.string() });
const plainError = z.object({ message_type: z.literal('error'), message: z.string() });
const nestedError = z.object({ message_type: z.literal('error'), error: z.object({ message: z.string() }) });

/** A line of JSON, or undefined where it is none or of another shape. */
export function parseLine<T>(schema: z.ZodType<T>, line: string): T | undefined {
  if (!line.startsWith('{') && !line.startsWith('[')) return undefined;
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The first line of the kind in an output that may have others around it. */
export function findLine<T>(schema: z.ZodType<T>, output: string): T | undefined {
  for (const line of output.split('\n')) {
    const found = parseLine(schema, line.trim());
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of a line on stderr: that restic will try a request again, or that one came through after all; null for anything else. */
export function retryOf(line: string): 'failed' | 'through' | null {
  if (line.includes('returned error, retrying after')) return 'failed';
  return line.includes('operation successful after') ? 'through' : null;
}

/** What a check found, in restic's words, a line each. */
export function checkFindings(stderr: string[]): string[] {
  return stderr
    .flatMap((line) => parseLine(plainError, line)?.message.split('\n') ?? [])
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** What restic gave as the cause, in its own words and one line: its JSON where there is some, else its last text. */
export function causeOf(stderr: string[]): string {
  const last = stderr
    .map((line) => parseLine(exitError, line)?.message)
    .findLast((message) => message !== undefined);
  const errors = stderr.map(
    (line) => parseLine(plainError, line)?.message ?? parseLine(nestedError, line)?.error.message,
  );
  const text = stderr.findLast((line) => !line.startsWith('{') && !line.startsWith('['));
  const cause = last ?? errors.find((message) => message !== undefined) ?? text ?? '';
  return (cause.split('\n').find((line) => line.trim() !== '') ?? '').replace(/^(Fatal: )+/, '').trim();
}
