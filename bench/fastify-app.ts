/** The least that an app can be, and the least that a sentinel could be: `fastify-app.ts PORT`. */
import Fastify from 'fastify';

const app = Fastify();
app.get('/gate', (_request, reply) => reply.code(204).send());
app.get('/*', (_request, reply) => reply.send({ hello: 'world' }));
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
