import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSentinel } from '../../../sentinel/app.ts';
import { openGrace } from '../../../sentinel/grace.ts';
import { formatLastOk, lastVerifiedName, type StatusFile } from '../../../sentinel/heartbeat.ts';
import { formatOverride, overrideName } from '../../../sentinel/override.ts';
import type { Mode } from '../../../sentinel/settings.ts';
import { watchHeartbeat } from '../../../sentinel/watch.ts';
import { TestClock } from '../../helpers/clock.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { ask } from '../../helpers/inject.ts';
import { keptLog } from '../../helpers/log.ts';

const clock = new TestClock('2026-11-20T12:00:00Z');
const hours = 3600;

function sentinel({
  ageSeconds,
  mode = 'enforce',
  status,
  verified,
  overrideSeconds,
  overrideGate = 'open',
}: Given) {
  const folder = temporaryFolder();
  const heartbeatPath = join(folder, 'last_ok');
  const statusPath = join(folder, 'status.json');
  if (ageSeconds !== undefined) writeFileSync(heartbeatPath, formatLastOk(clock.in(-ageSeconds)));
  if (status !== undefined)
    writeFileSync(statusPath, typeof status === 'string' ? status : JSON.stringify(status));

  if (verified !== undefined) {
    writeFileSync(join(folder, lastVerifiedName), formatLastOk(clock.in(-verified.ageSeconds)));
  }
  if (overrideSeconds !== undefined) {
    const override = {
      version: 1,
      gate: overrideGate,
      setAt: clock.now(),
      until: clock.in(overrideSeconds),
      reason: 'moving',
    } as const;
    writeFileSync(join(folder, overrideName), formatOverride(override));
  }

  const { log } = keptLog();
  const limits = {
    thresholdSeconds: 26 * hours,
    graceSeconds: 24 * hours,
    ...(verified === undefined ? {} : { verifyThresholdSeconds: verified.limit }),
  };
  const grace = openGrace(join(folder, 'state'), log);
  const watch = watchHeartbeat({ heartbeatPath, limits, grace, now: clock.now, log });
  const server = createSentinel({ watch, limits, mode, statusPath, version: '1.2.3', log });
  return { inject: (options: Parameters<typeof ask>[1]) => ask(server, options) };
}

interface Given {
  /** No heartbeat where it is left out. */
  ageSeconds?: number;
  mode?: Mode;
  status?: StatusFile | string;
  /** Verifications gate. */
  verified?: { ageSeconds: number; limit: number };
  /** An override with so many seconds left. */
  overrideSeconds?: number;
  overrideGate?: 'open' | 'closed';
}

const shop: StatusFile = {
  version: 1,
  writtenAt: '2026-11-20T11:59:00Z',
  host: 'small-server',
  agentVersion: '0.1.0',
  sources: [
    {
      name: 'shop',
      engine: 'mariadb',
      gates: true,
      lastSuccess: '2026-11-20T09:00:00Z',
      lastRun: {
        job: 'backup',
        result: 'failed',
        warnings: false,
        reason: 'cannot log in',
        hint: 'Check MYSQL_PASSWORD.',
        startedAt: '2026-11-20T11:00:00Z',
        finishedAt: '2026-11-20T11:00:01Z',
        bytes: 12_345_678,
      },
      nextRun: '2026-11-20T15:00:00Z',
    },
  ],
  maintenance: [{ job: 'check', lastSuccess: null, lastRun: null }],
  repository: { location: '/repository', id: 'abc' },
};

describe('/gate, for nginx', () => {
  it('fresh → 204', async () => {
    const answer = await sentinel({ ageSeconds: 3 * hours }).inject('/gate');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      'x-gate-reason': 'fresh',
      'x-accel-expires': `@${clock.now().getTime() / 1000}`,
      'cache-control': 'stale-while-revalidate=1, stale-if-error=30',
    });
    expect(answer.headers).not.toHaveProperty('retry-after');
    // nginx before 1.23.3 reads no Cache-Control that comes later.
    const order = Object.keys(answer.headers);
    expect(order.indexOf('cache-control')).toBeLessThan(order.indexOf('x-accel-expires'));
  });

  it('stale → 403, the one refusal that auth_request takes for an answer', async () => {
    const answer = await sentinel({ ageSeconds: 27 * hours }).inject('/gate');
    expect(answer.statusCode).toBe(403);
    expect(answer.headers).toMatchObject({ 'x-gate-reason': 'stale', 'retry-after': '300' });
    expect(answer.headers).not.toHaveProperty('cache-control');
    expect(answer.body).toBe('');
  });

  it.each(['POST', 'PUT', 'DELETE'] as const)('%s → 405: nothing is done here', async (method) => {
    const answer = await sentinel({ ageSeconds: 3 * hours }).inject({ method, url: '/gate' });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('a path that is none of ours → 404; one with a query → as without', async () => {
    const app = sentinel({ ageSeconds: 3 * hours });
    expect((await app.inject('/gate/')).statusCode).toBe(404);
    expect((await app.inject('/gate?x=1')).statusCode).toBe(204);
  });
});

describe('/ok, for everybody else', () => {
  it('fresh → 200', async () => {
    const answer = await sentinel({ ageSeconds: 3 * hours }).inject('/ok');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      ok: true,
      reason: 'fresh',
      ageSeconds: 3 * hours,
      thresholdSeconds: 26 * hours,
    });
  });

  it('first boot → 200 with the reason', async () => {
    const answer = await sentinel({}).inject('/ok');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['x-gate-reason']).toBe('first_boot_grace');
  });

  it('stale → 503 with JSON for a program', async () => {
    const answer = await sentinel({ ageSeconds: 27 * hours }).inject('/ok');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({
      'x-gate-reason': 'stale',
      'retry-after': '300',
      'cache-control': 'no-store',
      vary: 'Accept, Accept-Language',
    });
    expect(answer.json()).toMatchObject({
      ok: false,
      error: 'Service unavailable: backup status not OK',
      reason: 'stale',
    });
  });

  it('stale → 503 with the visitor page for a browser', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const answer = await sentinel({ ageSeconds: 27 * hours }).inject({ url: '/ok', headers: { accept } });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('backup status not OK');
    expect(answer.body).not.toMatch(/stale|last_ok|holdfast/i);
  });

  it('HEAD → the same status and headers without a body', async () => {
    const answer = await sentinel({ ageSeconds: 27 * hours }).inject({ method: 'HEAD', url: '/ok' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({ 'x-gate-reason': 'stale', 'retry-after': '300' });
    expect(answer.body).toBe('');
  });

  it.each([
    ['de-AT,en;q=0.5', 'de', 'Wir sind gleich wieder da'],
    ['', 'en', 'We will be back soon'],
  ])(
    'a browser that asks for "%s" → the page in %s, and in no other language',
    async (given, language, title) => {
      const headers = { accept: 'text/html', 'accept-language': given };
      const answer = await sentinel({ ageSeconds: 27 * hours }).inject({ url: '/ok', headers });
      expect(answer.headers['content-language']).toBe(language);
      expect(answer.body).toContain(`<html lang='${language}'>`);
      expect(answer.body.match(/<title>.*<\/title>/g)).toEqual([`<title>${title}</title>`]);
      expect(answer.body).not.toContain('<!--');
    },
  );
});

describe('an override', () => {
  it('stale → open until it is over, and every answer says so', async () => {
    const app = sentinel({ ageSeconds: 27 * hours, overrideSeconds: 7200 });
    const until = clock.in(7200).toISOString();
    for (const [url, status] of [
      ['/gate', 204],
      ['/ok', 200],
    ] as const) {
      const answer = await app.inject(url);
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({
        'x-gate-reason': 'stale',
        'x-gate-would-be': 'closed',
        'x-gate-override': until,
      });
    }
    expect((await app.inject('/ok')).json()).toMatchObject({ ok: true, overrideUntil: until });
    expect((await app.inject('/status.json')).json()).toMatchObject({
      gate: { open: true, override: { gate: 'open', until, reason: 'moving' } },
      verdict: { open: false },
    });
    expect((await app.inject('/')).body).toContain('held open by hand for another 2 h');
    const metrics = (await app.inject('/metrics')).body.split('\n');
    expect(metrics).toEqual(
      expect.arrayContaining([
        'holdfast_gate_open 1',
        'holdfast_verdict_open 0',
        'holdfast_gate_override 1',
        `holdfast_gate_override_until_timestamp_seconds ${clock.in(7200).getTime() / 1000}`,
      ]),
    );
  });

  it('held closed → closed although the backup is fresh, and every answer says why', async () => {
    const app = sentinel({ ageSeconds: 60, overrideSeconds: 7200, overrideGate: 'closed' });
    expect((await app.inject('/gate')).statusCode).toBe(403);
    const answer = await app.inject('/ok');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({
      'x-gate-reason': 'closed_by_hand',
      'x-gate-would-be': 'open',
      'retry-after': '300',
    });
    expect(answer.json()).toMatchObject({ ok: false, reason: 'closed_by_hand' });
    expect((await app.inject('/status.json')).json()).toMatchObject({
      gate: { open: false, override: { gate: 'closed' } },
      verdict: { open: true },
    });
    const page = (await app.inject('/')).body;
    expect(page).toContain('held closed by hand for another 2 h');
    expect(page).toContain('Without it, it would be open.');
  });

  it('held closed, in observe mode → visitors are let in all the same', async () => {
    const given = { ageSeconds: 60, overrideSeconds: 60, overrideGate: 'closed', mode: 'observe' } as const;
    expect((await sentinel(given).inject('/gate')).statusCode).toBe(204);
  });

  it('its reason → on the page and in status.json alone, never in what visitors may see', async () => {
    const app = sentinel({ ageSeconds: 27 * hours, overrideSeconds: 7200 });
    for (const url of ['/gate', '/ok']) {
      const { headers, body } = await app.inject(url);
      expect(JSON.stringify(headers) + body).not.toContain('moving');
    }
  });

  it('over → closed, and nothing of it in the answer', async () => {
    const answer = await sentinel({ ageSeconds: 27 * hours, overrideSeconds: 0 }).inject('/gate');
    expect(answer.statusCode).toBe(403);
    expect(answer.headers).not.toHaveProperty('x-gate-override');
  });
});

describe('verifications that gate', () => {
  it('fresh backup, old verification → closed, with both times in the metrics', async () => {
    const app = sentinel({
      ageSeconds: 3 * hours,
      verified: { ageSeconds: 200 * hours, limit: 192 * hours },
    });
    expect((await app.inject('/gate')).headers['x-gate-reason']).toBe('verification_stale');
    expect((await app.inject('/metrics')).body.split('\n')).toEqual(
      expect.arrayContaining([
        'holdfast_verdict_reason{reason="verification_stale"} 1',
        `holdfast_verification_timestamp_seconds ${clock.in(-200 * hours).getTime() / 1000}`,
        `holdfast_verification_threshold_seconds ${192 * hours}`,
      ]),
    );
    expect((await app.inject('/')).body).toContain('the oldest last good verification is 8 d 8 h old');
  });
});

describe('observe mode', () => {
  it('stale → open everywhere, and every answer says what it would have been', async () => {
    const app = sentinel({ ageSeconds: 27 * hours, mode: 'observe' });
    for (const [url, status] of [
      ['/gate', 204],
      ['/ok', 200],
    ] as const) {
      const answer = await app.inject(url);
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({ 'x-gate-reason': 'stale', 'x-gate-would-be': 'closed' });
    }
    expect((await app.inject('/')).body).toContain('The gate would be closed');
    const metrics = (await app.inject('/metrics')).body.split('\n');
    expect(metrics).toEqual(expect.arrayContaining(['holdfast_gate_open 1', 'holdfast_verdict_open 0']));
    expect((await app.inject('/status.json')).json()).toMatchObject({
      gate: { open: true, mode: 'observe' },
      verdict: { open: false, reason: 'stale' },
    });
  });
});

describe('/livez', () => {
  it('closed → 200 all the same: the container is well', async () => {
    const answer = await sentinel({ ageSeconds: 27 * hours }).inject('/livez');
    expect(answer.statusCode).toBe(200);
  });
});

describe('/status.json', () => {
  it('everything there → the verdict and what the agent told', async () => {
    const answer = await sentinel({ ageSeconds: 3 * hours, status: shop }).inject('/status.json');
    expect(answer.json()).toMatchObject({
      version: 1,
      gate: { open: true, mode: 'enforce', thresholdSeconds: 26 * hours, graceSeconds: 24 * hours },
      verdict: {
        open: true,
        reason: 'fresh',
        heartbeat: '2026-11-20T09:00:00.000Z',
        ageSeconds: 3 * hours,
        closesAt: '2026-11-21T11:00:00.000Z',
      },
      agent: shop,
      agentProblem: null,
    });
  });

  it.each([
    ['not there', undefined, 'there is no such file'],
    ['half written', '{"version":1', 'not understood'],
    ['of another version', JSON.stringify({ ...shop, version: 2 }), 'version'],
  ])("the agent's file is %s → the verdict stands, the problem is told", async (_, status, problem) => {
    const answer = await sentinel({ ageSeconds: 3 * hours, status }).inject('/status.json');
    expect(answer.json()).toMatchObject({
      verdict: { open: true },
      agent: null,
      agentProblem: expect.stringContaining(problem) as string,
    });
  });
});

describe('/, the page', () => {
  it('everything there → verdict, source, failure and what to do about it', async () => {
    const { body } = await sentinel({ ageSeconds: 3 * hours, status: shop }).inject('/');
    for (const text of [
      'The gate is open',
      'The last backup of shop failed.',
      'Last good backup: 3 h ago. The gate closes in 23 h if nothing happens.',
      'shop',
      'mariadb',
      'cannot log in',
      'Check MYSQL_PASSWORD.',
      'today 15:00',
      '</html>',
    ]) {
      expect(body).toContain(text);
    }
  });

  it('no status.json → says so, and shows the verdict', async () => {
    const { body } = await sentinel({ ageSeconds: 27 * hours }).inject('/');
    expect(body).toContain('The gate is closed');
    expect(body).toContain('status.json cannot be used (there is no such file)');
  });

  it('markup in what the agent tells → shown, not obeyed', async () => {
    const [source] = shop.sources;
    const status = {
      ...shop,
      host: '"><img src=x>',
      sources: [{ ...source!, name: '<script>alert(1)</script>' }],
    };
    const { body } = await sentinel({ ageSeconds: 3 * hours, status }).inject('/');
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(body).not.toMatch(/<script|<img/);
  });

  it('strict policy → nothing but its own style, and no attribute that the policy forbids', async () => {
    const { headers, body } = await sentinel({ ageSeconds: 3 * hours, status: shop }).inject('/');
    expect(headers).toMatchObject({ refresh: '60', 'cache-control': 'no-store' });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+';/);
    expect(body).not.toMatch(/ style=| on\w+=|(src|href|action)="https?:/);
  });
});

describe('/metrics', () => {
  it('stale → the gate, the reason and the time of the heartbeat', async () => {
    const { body, headers } = await sentinel({ ageSeconds: 27 * hours }).inject('/metrics');
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body.split('\n')).toEqual(
      expect.arrayContaining([
        'holdfast_gate_open 0',
        'holdfast_verdict_reason{reason="stale"} 1',
        'holdfast_verdict_reason{reason="fresh"} 0',
        `holdfast_heartbeat_timestamp_seconds ${clock.in(-27 * hours).getTime() / 1000}`,
        'holdfast_heartbeat_threshold_seconds 93600',
        'holdfast_sentinel_build_info{version="1.2.3"} 1',
      ]),
    );
  });

  it('no heartbeat → no made-up time', async () => {
    const { body } = await sentinel({}).inject('/metrics');
    expect(body).not.toContain('holdfast_heartbeat_timestamp_seconds');
    expect(body.endsWith('\n')).toBe(true);
  });
});
