// SPDX-License-Identifier: ISC
// A competitor of the benchmark: the receiver's job in Node, two processes, each
// with a pool of connections and a prepared statement.
'use strict';

const cluster = require('node:cluster');
const { createHmac, timingSafeEqual } = require('node:crypto');

const PROCESSES = 2;

const INSERT = {
	name: 'insert',
	text: `insert into event (workspace_id, event_id, created_at, endpoint_id, secret_id,
		signature, creator_id, model, action, entity_id, body)
		values ($1, $2, $3, 1, 1, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
};

function isSigned(body, header, secret) {
	const wanted = createHmac('sha256', secret).update(body).digest();
	const given = Buffer.from(String(header ?? '').replace(/^sha256=/, ''), 'hex');
	return given.length === wanted.length && timingSafeEqual(given, wanted) ? wanted : null;
}

async function serve() {
	const { Pool } = require('pg');
	const secret = process.env.HOOKLEDGER_BENCH_SECRET;
	const pool = new Pool({
		host: process.env.PGHOST, database: process.env.PGDATABASE, user: process.env.PGUSER,
		port: Number(process.env.PGPORT), max: Number(process.env.BENCH_POOL),
	});
	const app = require('fastify')({ logger: false, bodyLimit: 1 << 20 });

	app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (req, body, done) => done(null, body));
	app.post('/hook/:address', {
		schema: { response: { 200: { type: 'object', properties: { status: { type: 'string' } } } } },
	}, async (req, reply) => {
		const body = req.body;
		const signature = isSigned(body, req.headers['x-webhook-signature-256'], secret);
		if (!signature)
			return reply.code(401).send({ error: 'wrong signature' });
		const text = body.toString('utf8');
		let event;
		try {
			event = JSON.parse(text);
		} catch {
			return reply.code(400).send({ error: 'not JSON' });
		}
		if (!Number.isSafeInteger(event?.event_id) || !event.created_at || !event.metadata?.workspace_id)
			return reply.code(400).send({ error: 'not an event' });
		await pool.query({
			...INSERT,
			values: [event.metadata.workspace_id, event.event_id, event.created_at, signature,
				event.creator_id, event.metadata.model, event.metadata.action, event.payload?.id, text],
		});
		return { status: 'OK' };
	});
	await app.listen({ host: '127.0.0.1', port: Number(process.env.BENCH_PORT) });
}

if (cluster.isPrimary) {
	for (let i = 0; i < PROCESSES; i++)
		cluster.fork();
	let ending = false;
	const end = () => {
		ending = true;
		for (const worker of Object.values(cluster.workers))
			worker.process.kill();
	};
	process.on('SIGTERM', end);
	cluster.on('exit', () => {
		if (Object.keys(cluster.workers).length === 0)
			process.exit(ending ? 0 : 1);
		else if (!ending)
			end();
	});
} else {
	serve().catch((error) => {
		console.error(error);
		process.exit(1);
	});
}
