import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { closedPagePath, readClosedPages } from './closed-page.ts';
import type { Limits } from './freshness.ts';
import { type Gate, gateOf, headersOf, reasonOf } from './gate.ts';
import { languageOf } from './languages.ts';
import { renderMetrics } from './metrics.ts';
import type { Mode } from './settings.ts';
import type { Watch } from './watch.ts';

// An `import` reads every export of node:http at once, WebSocket among them, and with that loads a client library of ten megabytes.
const { createServer } = process.getBuiltinModule('node:http');

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
 * The sentinel's server; it does not listen yet.
 *
 * - `/ok` 200 or 503, complete by itself: for people, monitors, Traefik and Caddy.
 * - `/gate` 204 or 403, for nginx: the one refusal that its auth_request takes for an answer.
 * - `/livez` 200 while the process answers, whatever the verdict.
 * - `/status.json`, `/` and `/metrics`: the same facts for programs, people and Prometheus.
 *
 * Every GET answers HEAD too. Nothing that a client sends is read but the path and two Accept headers. Plain node:http:
 * with six fixed paths a framework would cost half of the memory and a third of the requests.
 */
export function createSentinel({ watch, limits, mode, statusPath, version, log }: SentinelOptions): Server {
  const gate = () => gateOf(watch.verdict(), mode, watch.override());
  const closedPages = readClosedPages(closedPagePath);

  const routes = new Map<string, (request: IncomingMessage) => Answer | Promise<Answer>>([
    ['/gate', () => forNginx(gate())],
    ['/ok', (request) => forEverybody(gate(), request)],
    ['/livez', () => ({ status: 200, headers: { ...json, ...notKept }, body: '{"alive":true}' })],
    ['/metrics', () => ({ status: 200, headers: prometheus, body: renderMetrics(gate(), limits, version) })],
    ['/status.json', () => forTheOperator('answerStatus')],
    ['/', () => forTheOperator('answerPage')],
  ]);

  function forEverybody(gate: Gate, request: IncomingMessage): Answer {
    const { open, verdict, override } = gate;
    const status = open ? 200 : 503;
    const headers = { ...headersOf(gate), ...notKept, Vary: 'Accept, Accept-Language' };
    if (wantsHtml(request)) {
      const language = languageOf(request.headers['accept-language']);
      const body = open ? openPage : closedPages[language];
      return { status, headers: { ...headers, ...html, 'Content-Language': open ? 'en' : language }, body };
    }
    const body = {
      ...(open ? { ok: true } : { ok: false, error: 'Service unavailable: backup status not OK' }),
      reason: reasonOf(gate),
      ageSeconds: verdict.ageSeconds,
      thresholdSeconds: limits.thresholdSeconds,
      ...(override === null ? {} : { overrideUntil: override.until }),
    };
    return { status, headers: { ...headers, ...json }, body: JSON.stringify(body) };
  }

  // What only the operator asks for is loaded when it is asked for: it takes a quarter of the memory.
  async function forTheOperator(kind: 'answerPage' | 'answerStatus'): Promise<Answer> {
    const [answers, { readStatus }] = await Promise.all([import('./page/answers.ts'), import('./status.ts')]);
    const now = gate();
    const { verdict, override } = now;
    const facts = { verdict, mode, limits, override, agent: readStatus(statusPath), version };
    const { headers, body } = answers[kind](facts);
    return { status: 200, headers: { ...headersOf(now), ...notKept, ...headers }, body };
  }

  const server = createServer((request, response) => {
    // Whatever breaks here, nginx and everybody else see no 2xx, and so a closed gate.
    const failed = (error: unknown) => {
      log.error({ err: error, url: request.url }, 'a request failed');
      send(request, response, { status: 500, headers: json, body: '{"error":"internal error"}' });
    };
    try {
      const given = answer(request);
      if (given instanceof Promise) given.then((later) => send(request, response, later)).catch(failed);
      else send(request, response, given);
    } catch (error) {
      failed(error);
    }
  });
  // Longer than nginx keeps a connection without traffic: it never asks on one that is just being closed.
  server.keepAliveTimeout = 72_000;
  return server;

  function answer(request: IncomingMessage): Answer | Promise<Answer> {
    const url = request.url ?? '';
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    const route = routes.get(path);
    if (route === undefined) return { status: 404, headers: json, body: '{"error":"not found"}' };
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return {
        status: 405,
        headers: { ...json, Allow: 'GET, HEAD' },
        body: '{"error":"method not allowed"}',
      };
    }
    return route(request);
  }
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body?: string;
}

/**
 * How long nginx may go by an answer. Any: until the second is over. nginx counts in whole seconds, and with `max-age=1`
 * an answer would live for up to two. A yes also while nginx asks again in the next second, and for 30 when
 * nobody answers, so that a sentinel that restarts is no outage; a no never stands in for a new answer.
 */
function forNginx(gate: Gate): Answer {
  const headers = headersOf(gate);
  // Before X-Accel-Expires: older nginx reads no Cache-Control behind it.
  if (gate.open) headers['Cache-Control'] = 'stale-while-revalidate=1, stale-if-error=30';
  headers['X-Accel-Expires'] = `@${Math.floor(gate.verdict.judgedAt.getTime() / 1000)}`;
  return { status: gate.open ? 204 : 403, headers };
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  const length = status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body ?? '') };
  response.writeHead(status, { 'X-Content-Type-Options': 'nosniff', ...headers, ...length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const notKept = { 'Cache-Control': 'no-store' };
const json = { 'Content-Type': 'application/json; charset=utf-8' };
const html = { 'Content-Type': 'text/html; charset=utf-8' };
const prometheus = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', ...notKept };

const openPage = '<!doctype html>\n<html lang="en"><title>OK</title><p>Backup status OK</p></html>\n';

function wantsHtml(request: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(request.headers.accept ?? '');
}
