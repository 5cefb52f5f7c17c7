import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fakeProgram } from '../helpers/fake-program.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { fakeDump, saveRequest, testRepository } from '../helpers/repository.ts';
import { until } from '../helpers/until.ts';

const signal = new AbortController().signal;
const MEGABYTE = 1024 * 1024;
const VERSION = `if [ "$1" = version ]; then echo '{"message_type":"version","version":"0.19.1"}'; exit 0; fi`;

/** A repository whose restic is this script; what it was called with lands in `calls`. */
function withFakeRestic(script: string, config = {}) {
  const folder = temporaryFolder();
  const calls = join(folder, 'calls');
  const restic = fakeProgram(folder, 'restic', `echo "$*" >> ${calls}\n${VERSION}\n${script}`);
  const { repository } = testRepository(folder, {
    restic,
    answerTimeoutSeconds: 2,
    lockWaitSeconds: 0,
    ...config,
  });
  return {
    repository,
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
  };
}

const summary = (bytes: string, files = 1) =>
  `echo "{\\"message_type\\":\\"summary\\",\\"data_added\\":1,\\"total_files_processed\\":${files},\\"total_bytes_processed\\":${bytes},\\"snapshot_id\\":\\"${'a'.repeat(64)}\\"}"`;

describe('the answer of the repository', () => {
  test.each([
    ['exit code 10', 'exit 10', 'repository_absent'],
    ['exit code 11', 'exit 11', 'repository_locked'],
    ['exit code 12', 'exit 12', 'repository_password'],
    ['no space left', 'echo "Fatal: write: no space left on device" >&2; exit 1', 'repository_full'],
    [
      'connection refused',
      'echo "dial tcp: connect: connection refused" >&2; exit 1',
      'repository_unreachable',
    ],
    ['an unknown exit code', 'echo "Fatal: odd" >&2; exit 77', 'repository_failed'],
    ['garbage with exit 0', 'head -c 100000 /dev/urandom; exit 0', 'repository_failed'],
    ['a panic', 'echo "panic: runtime error" >&2; exit 2', 'repository_failed'],
  ])('restic ends with %s → %s is told as %s', async (_, script, kind) => {
    const { repository } = withFakeRestic(`case "$1" in cat) ${script};; *) exit 0;; esac`);
    await expect(repository.identify(signal)).rejects.toMatchObject({ kind });
  });

  test('it gave no answer a moment ago → who asks again gets the same one, at once', async () => {
    const { repository, calls } = withFakeRestic('sleep 600');
    const first = await repository.reach(signal).catch((error: unknown) => error);
    expect(first).toMatchObject({ kind: 'repository_unreachable' });
    const asked = calls().length;
    expect(await repository.identify(signal).catch((error: unknown) => error)).toBe(first);
    expect(calls()).toHaveLength(asked);
  });

  test('restic hangs and says why on stderr → unreachable after the deadline, with its words', async () => {
    const { repository } = withFakeRestic(
      'echo "Stat(<config/>) returned error, retrying after 1s: dial tcp" >&2; sleep 600',
    );
    await expect(repository.identify(signal)).rejects.toMatchObject({
      kind: 'repository_unreachable',
      message: expect.stringContaining('retrying after 1s') as string,
    });
  });

  test.each([
    [
      'no keys',
      's3:https://h/bucket',
      'echo "{\\"message_type\\":\\"exit_error\\",\\"code\\":1,\\"message\\":\\"Fatal: unable to open repository at s3:https://h/bucket: s3.getCredentials: no credentials found. Use -o s3.x\\"}" >&2; exit 1',
      /^no access to the repository at s3:https:\/\/h\/bucket: no credentials found/,
      /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
    ],
    [
      'a wrong key, asked again and again',
      's3:https://h/bucket',
      'echo "Stat(<config/>) returned error, retrying after 1.5s: Stat: The AWS Access Key Id you provided does not exist in our records." >&2; sleep 600',
      /: Stat: The AWS Access Key Id you provided does not exist/,
      /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
    ],
    [
      'a clock that is wrong',
      's3:https://h/bucket',
      'echo "Stat(<config/>) returned error, retrying after 1.5s: Stat: The difference between the request time and the current time is too large." >&2; sleep 600',
      /difference between the request time/,
      /Set the clock of this machine/,
    ],
    [
      'a user that the REST server does not know',
      'rest:https://h/',
      'echo "Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized" >&2; exit 1',
      /: unexpected HTTP response \(401\)/,
      /RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD/,
    ],
    [
      'a location that is none',
      's3:https://h',
      'echo "Fatal: parsing repository location failed: s3: bucket name not found" >&2; exit 1',
      /the location s3:https:\/\/h is none that restic knows/,
      /RESTIC_REPOSITORY/,
    ],
  ])(
    'restic is turned away by %s → told at once, with what to set',
    async (_, location, script, message, hint) => {
      const { repository } = withFakeRestic(script, { location, answerTimeoutSeconds: 60 });
      await expect(repository.identify(signal)).rejects.toMatchObject({
        kind: 'repository_failed',
        message: expect.stringMatching(message) as string,
        hint: expect.stringMatching(hint) as string,
      });
    },
  );

  test.each([
    ['x509: certificate signed by unknown authority', 'SSL_CERT_FILE'],
    ['http: server gave HTTP response to HTTPS client', 'http:// in the location'],
    ['Stat: 400 Bad Request', 'AWS_DEFAULT_REGION'],
    ['dial tcp: lookup h: no such host', 's3:https://HOST/BUCKET/PATH'],
  ])('restic gets no answer it can use (%s) → unreachable, with a hint of %s', async (said, hint) => {
    const script = `echo "Stat(<config/>) returned error, retrying after 1s: ${said}" >&2; sleep 600`;
    const { repository } = withFakeRestic(script, {
      location: 's3:https://h/bucket',
      answerTimeoutSeconds: 1,
    });
    await expect(repository.identify(signal)).rejects.toMatchObject({
      kind: 'repository_unreachable',
      message: expect.stringContaining(said) as string,
      hint: expect.stringContaining(hint) as string,
    });
  });

  test('somebody holds a lock → how to see who', async () => {
    const { repository } = withFakeRestic('exit 11');
    await expect(repository.identify(signal)).rejects.toMatchObject({
      hint: expect.stringContaining('`holdfast restic -- cat lock ID --no-lock`') as string,
    });
  });

  test('restic tries again and again because the bucket is not there → absent at once, so that a first start can make it', async () => {
    const { repository } = withFakeRestic(
      'case "$1" in cat) echo "Stat(<config/>) returned error, retrying after 1s: The specified bucket does not exist" >&2; sleep 600;; esac',
      { answerTimeoutSeconds: 60 },
    );
    await expect(repository.identify(signal)).rejects.toMatchObject({ kind: 'repository_absent' });
  });

  test('restic is older than 0.19.1 → refused before the repository is touched', async () => {
    const folder = temporaryFolder();
    const restic = fakeProgram(
      folder,
      'restic',
      `echo "$*" >> ${folder}/calls; echo "restic 0.18.0 compiled with go1.24"`,
    );
    const { repository } = testRepository(folder, { restic });
    await expect(repository.identify(signal)).rejects.toMatchObject({
      kind: 'tool_missing',
      message: expect.stringContaining('0.18.0 is too old') as string,
    });
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim()).toBe('version --json');
  });

  test('restic is not there → tool_missing that names it', async () => {
    const { repository } = testRepository(temporaryFolder(), { restic: '/nonexistent/restic' });
    await expect(repository.identify(signal)).rejects.toMatchObject({
      kind: 'tool_missing',
      message: expect.stringContaining('/nonexistent/restic') as string,
    });
  });

  test('restic repeats the password and the user of the location → neither is in the error', async () => {
    const { repository } = withFakeRestic(
      'echo "Fatal: correct horse at rest:http://me:hunter22@h/" >&2; exit 1',
      {
        location: 'rest:http://me:hunter22@h/',
      },
    );
    const error = (await repository.identify(signal).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).not.toMatch(/correct horse|hunter22/);
    expect(repository.location).toBe('rest:http://me:***@h/');
  });

  test('restic repeats a secret of its backend, or the password of a proxy → neither is in the error', async () => {
    const environment = {
      AZURE_ACCOUNT_SAS: 'sv=2026&sig=signed',
      RCLONE_CONFIG_PASS: 'rclone-pass',
      HTTPS_PROXY: 'http://me:proxy-pass@proxy:3128',
    };
    const said = 'GET https://a/c?$AZURE_ACCOUNT_SAS: $RCLONE_CONFIG_PASS: proxyconnect $HTTPS_PROXY';
    const { repository } = withFakeRestic(`echo "Fatal: ${said}" >&2; exit 1`, { environment });
    const error = (await repository.identify(signal).catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).toMatch(
      /GET https:\/\/a\/c\?\*\*\*: \*\*\*: proxyconnect http:\/\/me:\*\*\*@proxy/,
    );
  });
});

describe('a save', () => {
  test('restic dies at byte N while it is fed → its words are the error, the dump is told to stop', async () => {
    const { repository } = withFakeRestic(
      'case "$1" in backup) head -c 300000 >/dev/null; echo "Fatal: pack upload failed" >&2; exit 1;; *) echo "[]";; esac',
    );
    let stopped = false;
    const dump = fakeDump(1e12);
    const open = (dumpSignal: AbortSignal) => {
      dumpSignal.addEventListener('abort', () => (stopped = true));
      return dump(dumpSignal);
    };
    await expect(repository.save(saveRequest(open), signal)).rejects.toThrow(/pack upload failed/);
    expect(stopped).toBe(true);
  });

  test('restic exits 0 early, without having read everything → the save fails', async () => {
    const { repository } = withFakeRestic(
      `case "$1" in backup) head -c 1000 >/dev/null; ${summary('1000')}; exit 0;; *) echo "[]";; esac`,
    );
    await expect(repository.save(saveRequest(fakeDump(64 * MEGABYTE)), signal)).rejects.toMatchObject({
      kind: 'repository_failed',
    });
  });

  test.each([
    ['fewer bytes than were written', `${summary('$((n - 1))')}; exit 0`, /stored \d+ bytes of the \d+/],
    ['two files', `${summary('$n', 2)}; exit 0`, /stored/],
    ['no summary', 'exit 0', /which snapshot/],
    ['garbage', 'head -c 5000 /dev/urandom; exit 0', /which snapshot/],
    ['exit code 3 with a snapshot', `${summary('$n')}; exit 3`, /exit code 3/],
  ])('restic reports %s → the save fails and looks for a snapshot to forget', async (_, end, message) => {
    const stray =
      '{"id":"' +
      'a'.repeat(64) +
      '","short_id":"aaaaaaaa","time":"TIME","hostname":"test-host","paths":["/mysql/shop.sql.gz"],"tags":["source=shop","engine=mariadb","kind=dump"]}';
    const { repository, calls } = withFakeRestic(
      `case "$1" in backup) n=$(wc -c); ${end};; snapshots) [ -e "$0.gone" ] && echo "[]" || echo '[${stray}]' | sed "s/TIME/$(date -u +%FT%T.%3NZ)/";; forget) touch "$0.gone";; esac`,
    );
    await expect(repository.save(saveRequest(fakeDump(MEGABYTE)), signal)).rejects.toThrow(message);
    expect(calls().some((call) => call.startsWith('forget') && call.includes('a'.repeat(64)))).toBe(true);
  });

  test('prepared and not needed, and restic stores the empty input all the same → looks for a snapshot to forget', async () => {
    const id = 'd'.repeat(64);
    const stray = `{"id":"${id}","short_id":"dddddddd","time":"TIME","hostname":"test-host","paths":["/mysql/shop.sql.gz"],"tags":["source=shop","engine=mariadb","kind=dump"]}`;
    const { repository, calls } = withFakeRestic(
      `case "$1" in backup) trap 'echo "cleaning up" >&2' TERM; echo ready >> "$(dirname "$0")/calls"; while read -r line; do :; done; exit 3;; snapshots) [ -e "$0.gone" ] && echo "[]" || echo '[${stray}]' | sed "s/TIME/$(date -u +%FT%T.%3NZ)/";; forget) touch "$0.gone";; esac`,
    );
    const prepared = repository.prepare(saveRequest(fakeDump(0)));
    await until('restic waits for the dump', async () => calls().includes('ready'));
    await prepared.cancel();
    expect(calls().some((call) => call.startsWith('forget') && call.includes(id))).toBe(true);
  });

  test('the dump dies and restic cleans up → nothing is looked for: what bears our names is another server’s', async () => {
    const theirs = `{"id":"${'b'.repeat(64)}","short_id":"bbbbbbbb","time":"TIME","hostname":"test-host","paths":["/mysql/shop.sql.gz"],"tags":["source=shop","engine=mariadb","kind=dump"]}`;
    const { repository, calls } = withFakeRestic(
      `case "$1" in backup) trap 'echo "cleaning up" >&2; exit 130' TERM; while read -r line; do :; done; exit 130;; snapshots) echo '[${theirs}]' | sed "s/TIME/$(date -u +%FT%T.%3NZ)/";; esac`,
    );
    await expect(
      repository.save(saveRequest(fakeDump(4 * MEGABYTE, { dieAt: MEGABYTE })), signal),
    ).rejects.toThrow('the dump died');
    expect(calls().filter((call) => /^(forget|snapshots)/.test(call))).toEqual([]);
  });

  test('restic ignores SIGTERM and keeps its mouth shut → killed in the end, the dump error is told', async () => {
    const { repository } = withFakeRestic(
      'case "$1" in backup) trap "" TERM; cat >/dev/null; exit 1;; *) echo "[]";; esac',
    );
    await expect(
      repository.save(saveRequest(fakeDump(4 * MEGABYTE, { dieAt: MEGABYTE })), signal),
    ).rejects.toThrow('the dump died');
  });
});

describe('a save of a staged folder', () => {
  const folder = () => {
    const staging = join(temporaryFolder(), 'holdfast-staging');
    mkdirSync(join(staging, 'postgres/clinic'), { recursive: true });
    const tags = { source: 'clinic', engine: 'postgres', kind: 'tenant-set' } as const;
    return { staging, path: '/postgres/clinic', files: 2, bytes: 300, tags };
  };

  test.each([
    ['a byte less', `${summary('299', 2)}; exit 0`, /and 2 with 300 were staged/],
    ['a file less', `${summary('300', 1)}; exit 0`, /and 2 with 300 were staged/],
    ['no summary', 'exit 0', /which snapshot/],
    ['garbage', 'head -c 5000 /dev/urandom; exit 0', /which snapshot/],
    ['exit code 3 with a snapshot', `${summary('300', 2)}; exit 3`, /exit code 3/],
    ['a full disk', 'echo "Fatal: no space left on device" >&2; exit 1', /no space is left/],
  ])('restic reports %s → the save fails and looks for a snapshot to forget', async (_, end, message) => {
    const stray = `{"id":"${'a'.repeat(64)}","short_id":"aaaaaaaa","time":"TIME","hostname":"test-host","paths":["/var/lib/holdfast/holdfast-staging/postgres/clinic"],"tags":["source=clinic","engine=postgres","kind=tenant-set"]}`;
    const { repository, calls } = withFakeRestic(
      `case "$1" in backup) ${end};; snapshots) [ -e "$0.gone" ] && echo "[]" || echo '[${stray}]' | sed "s/TIME/$(date -u +%FT%T.%3NZ)/";; forget) touch "$0.gone";; esac`,
    );
    await expect(repository.saveFolder(folder(), signal)).rejects.toThrow(message);
    expect(calls().some((call) => call.startsWith('forget') && call.includes('a'.repeat(64)))).toBe(true);
  });

  test('restic is given paths below the staging folder, host and tags → read anew, whatever the last one held', async () => {
    const { repository, calls } = withFakeRestic(
      `case "$1" in backup) [ -d postgres/clinic ] && ${summary('300', 2)}; exit 0;; esac`,
    );
    expect(await repository.saveFolder(folder(), signal)).toMatchObject({
      id: 'a'.repeat(64),
      storedBytes: 300,
    });
    expect(calls().find((call) => call.startsWith('backup'))).toMatch(
      /--force .*--host test-host --tag source=clinic --tag engine=postgres --tag kind=tenant-set .*-- postgres\/clinic$/,
    );
  });
});

describe('retention', () => {
  test('forget says it removed what is still listed → an error, and no prune', async () => {
    const snapshot =
      '{"id":"' +
      'b'.repeat(64) +
      '","short_id":"bbbbbbbb","time":"2026-01-01T00:00:00Z","hostname":"test-host","paths":["/x"]}';
    const { repository, calls } = withFakeRestic(
      `case "$1" in snapshots) echo '[${snapshot}]';; forget) echo '[{"keep":null,"remove":[${snapshot}]}]';; esac`,
    );
    const policy = { daily: 1, weekly: 1, monthly: 1, yearly: 1 };
    await expect(repository.forget(policy, { source: 'shop' }, signal)).rejects.toThrow(
      /could not be removed/,
    );
    expect(calls().filter((call) => call.includes('prune'))).toEqual([]);
  });

  test('what was to be kept is gone afterwards → an error that says so', async () => {
    const snapshot =
      '{"id":"' +
      'c'.repeat(64) +
      '","short_id":"cccccccc","time":"2026-01-01T00:00:00Z","hostname":"test-host","paths":["/x"]}';
    const { repository } = withFakeRestic(
      `case "$1" in snapshots) echo '[]';; forget) echo '[{"keep":[${snapshot}],"remove":null}]';; esac`,
    );
    const policy = { daily: 1, weekly: 1, monthly: 1, yearly: 1 };
    await expect(repository.forget(policy, { source: 'shop' }, signal)).rejects.toThrow(
      /cccccccc was to be kept and is gone/,
    );
  });
});

describe('whose lock it is, once a restic of ours is gone', () => {
  test.each([
    ['it exited with 0', 'exit 0', false],
    [
      'it could not remove its lock, and exited with 0',
      'echo "error while unlocking: connection reset" >&2; exit 0',
      true,
    ],
    ['it found no repository', 'exit 10', false],
    ['it found the lock of another', 'exit 11', false],
    ['it had another password', 'exit 12', false],
    ['it failed', 'exit 1', true],
    ['it was told to stop, maybe while it made its lock', 'exit 130', true],
    ['it was killed', 'kill -9 $$', true],
  ])('%s → whether a lock of its process id counts as ours', async (_, script, ours) => {
    const folder = temporaryFolder();
    const { restic } = testRepository(folder, { restic: fakeProgram(folder, 'restic', script) });
    await restic.run(['snapshots'], { timeoutMs: 20_000, signal }).catch(() => undefined);
    const pid = Number(readFileSync(join(folder, 'restic.started'), 'utf8').split(' ')[0]);
    const counts = () => restic.started(pid, new Date());
    // The end is noted behind the answer.
    await until(`it counts: ${String(ours)}`, async () => counts() === ours);
    const later = new Date(Date.now() + 60_000);
    await until('one of a minute later counts as another’s', async () => !restic.started(pid, later));
  });
});
