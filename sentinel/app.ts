import { readFileSync } from 'node:fs';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Limits, Verdict } from './freshness.ts';
import { renderMetrics } from './metrics.ts';
import { pagePolicy, renderPage } from './page.ts';
import type { Mode } from './settings.ts';
import { readStatus } from './status.ts';
import type { Watch } from './watch.ts';
import { explain } from './words.ts';

export interface SentinelOptions {
  watch: Watch;
  limits: Limits;
  mode: Mode;
  /** The agent's `status.json`. */
  statusPath: string;
  version: string;
  log: Logger;
}

/**
 * The sentinel's routes; it does not listen yet.
 *
 * - `/ok` 200 or 503, complete by itself: for people, monitors, Traefik and Caddy.
 * - `/gate` 204 or 403, for nginx: the one refusal that its auth_request takes for an answer.
 * - `/livez` 200 while the process answers, whatever the verdict.
 * - `/status.json`, `/` and `/metrics`: the same facts for programs, people and Prometheus.
 *
 * Every GET answers HEAD too. Nothing that a client sends is read but the Accept header.
 */
export function createSentinel({
  watch,
  limits,
  mode,
  statusPath,
  version,
  log,
}: SentinelOptions): FastifyInstance {
  const app = Fastify({ exposeHeadRoutes: true });
  const letsIn = (verdict: Verdict) => verdict.open || mode === 'observe';

  function tell(reply: FastifyReply, verdict: Verdict): boolean {
    const open = letsIn(verdict);
    reply.header('X-Gate-Reason', verdict.reason).header('Cache-Control', 'no-store');
    if (mode === 'observe') reply.header('X-Gate-Would-Be', verdict.open ? 'open' : 'closed');
    if (!open) reply.header('Retry-After', retryAfterSeconds);
    return open;
  }

  app.get('/gate', (_request, reply) => reply.code(tell(reply, watch.verdict()) ? 204 : 403).send());

  app.get('/ok', (request, reply) => {
    const verdict = watch.verdict();
    const open = tell(reply, verdict);
    reply.code(open ? 200 : 503).header('Vary', 'Accept');
    if (wantsHtml(request)) return reply.type('text/html; charset=utf-8').send(open ? openPage : closedPage);
    return reply.send({
      ...(open ? { ok: true } : { ok: false, error: 'Service unavailable: backup status not OK' }),
      reason: verdict.reason,
      ageSeconds: verdict.ageSeconds,
      thresholdSeconds: limits.thresholdSeconds,
    });
  });

  app.get('/livez', (_request, reply) => reply.header('Cache-Control', 'no-store').send({ alive: true }));

  app.get('/status.json', (_request, reply) => {
    const verdict = watch.verdict();
    const agent = readStatus(statusPath);
    tell(reply, verdict);
    return reply.send({
      version: 1,
      gate: { open: letsIn(verdict), mode, ...limits },
      verdict: { ...verdict, explanation: explain(verdict, limits) },
      agent: agent.known ? agent.status : null,
      agentProblem: agent.known ? null : agent.problem,
    });
  });

  app.get('/', (_request, reply) => {
    const verdict = watch.verdict();
    tell(reply, verdict);
    return reply
      .type('text/html; charset=utf-8')
      .header('Content-Security-Policy', pagePolicy)
      .header('Referrer-Policy', 'no-referrer')
      .send(renderPage({ verdict, mode, limits, agent: readStatus(statusPath), version }));
  });

  app.get('/metrics', (_request, reply) => {
    const verdict = watch.verdict();
    const { thresholdSeconds } = limits;
    return reply
      .type('text/plain; version=0.0.4; charset=utf-8')
      .send(renderMetrics({ verdict, gateOpen: letsIn(verdict), thresholdSeconds, version }));
  });

  app.addHook('onSend', async (_request, reply) => {
    reply.header('X-Content-Type-Options', 'nosniff');
  });
  // Whatever breaks here, nginx and everybody else see no 2xx, and so a closed gate.
  app.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error, url: request.url }, 'a request failed');
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : 'bad request' });
  });
  return app;
}

/** Short enough that a visitor comes back soon after the backup, long enough for crawlers to stay away. */
const retryAfterSeconds = 300;

const closedPage = readFileSync(new URL('closed.html', import.meta.url), 'utf8');
const openPage = '<!doctype html>\n<html lang="en"><title>OK</title><p>Backup status OK</p></html>\n';

function wantsHtml(request: FastifyRequest): boolean {
  return /\btext\/html\b/i.test(request.headers.accept ?? '');
}
