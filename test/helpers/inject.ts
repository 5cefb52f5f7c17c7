import type { Server } from 'node:http';
import inject, { type DispatchFunc, type InjectOptions, type Response } from 'light-my-request';

/** Asks a server that does not listen, without a socket. */
export function ask(server: Server, options: string | InjectOptions): Promise<Response> {
  const dispatch: DispatchFunc = (request, response) => void server.emit('request', request, response);
  return inject(dispatch, typeof options === 'string' ? { url: options } : options);
}
