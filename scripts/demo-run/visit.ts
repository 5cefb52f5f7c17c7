import { get, type IncomingHttpHeaders } from 'node:http';

export interface Visit {
  statusLine: string;
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

const VISIT_TIMEOUT_MS = 5_000;

/** A visitor with a browser. Not fetch: it hides the status line, and keeps a connection open that would outlive the gate's. */
export function visit(url: string): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/html' };
    const request = get(url, { agent: false, headers, timeout: VISIT_TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('error', reject);
      response.once('end', () => {
        const status = response.statusCode ?? 0;
        const statusLine = `HTTP/${response.httpVersion} ${status} ${response.statusMessage ?? ''}`;
        resolve({ statusLine, status, headers: response.headers, body });
      });
    });
    request.once('timeout', () => request.destroy(new Error(`${url} did not answer in time`)));
    request.once('error', reject);
  });
}

/** What a page says, line by line, without its looks. */
export function textOf(page: string): string[] {
  return page
    .replace(/<(style|script|title)\b[\s\S]*?<\/\1>/g, '')
    .replace(/\s+/g, ' ')
    .replace(/<\/(h\d|p|small|td|tr|li|title)>/g, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
