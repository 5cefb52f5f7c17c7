import { sh } from './timed.ts';
import type { World } from './world.ts';

/** What wrk saw in a few seconds. */
export interface Load {
  requests: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * Asks one address as quickly as it answers, over so many connections. Throws when any answer had another status: a gate that
 * fails quickly is not quick.
 */
export async function load(world: World, url: string, connections: number, status: number): Promise<Load> {
  const seconds = world.options.quick ? 1 : 4;
  const script = `${world.folder}/wrk.lua`;
  // No function looks at each answer: that would cost wrk more than nginx needs for the answer. What is above 399 it counts itself.
  const lua = `
    wrk.headers["Accept"] = "application/json"
    function done(summary, latency)
      local errors = summary.errors
      local failed = errors.connect + errors.read + errors.write + errors.timeout
      io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status, failed))
    end`;
  await sh(`cat >'${script}' <<'END'\n${lua}\nEND`, world.base);
  const line = `wrk -t1 -c${connections} -d${seconds} -s '${script}' '${url}'`;
  const said = await sh(line, world.base);
  const numbers = /^RESULT (.*)$/m.exec(said)?.[1]?.split(' ').map(Number) ?? [];
  const [requests = 0, microseconds = 1, p50 = 0, p99 = 0, refused = 0, failed = 0] = numbers;
  const wrong = status < 400 ? refused : requests - refused;
  if (requests === 0 || wrong + failed > 0) {
    throw new Error(`${line}: ${wrong} of ${requests} answers were not ${status}, ${failed} failed\n${said}`);
  }
  return { requests, perSecond: (requests / microseconds) * 1e6, p50Ms: p50 / 1000, p99Ms: p99 / 1000 };
}
