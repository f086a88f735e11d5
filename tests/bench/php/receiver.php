<?php
// SPDX-License-Identifier: ISC
// A competitor of the benchmark: the receiver's job in PHP, with a persistent
// connection a worker and one round trip an event.
declare(strict_types=1);

function answer(int $status, string $body): never
{
	http_response_code($status);
	header('Content-Type: application/json');
	header('Content-Length: ' . strlen($body));
	echo $body;
	exit;
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST')
	answer(405, '{"error":"only POST"}');
$body = file_get_contents('php://input');
$signature = $_SERVER['HTTP_X_WEBHOOK_SIGNATURE_256'] ?? '';
$wanted = hash_hmac('sha256', $body, getenv('HOOKLEDGER_BENCH_SECRET'));
if (!hash_equals('sha256=' . $wanted, $signature))
	answer(401, '{"error":"wrong signature"}');
$event = json_decode($body);
if (!is_object($event) || !isset($event->event_id, $event->created_at, $event->metadata->workspace_id))
	answer(400, '{"error":"not an event"}');

try {
	$db = new PDO(getenv('BENCH_DATABASE'), null, null, [
		PDO::ATTR_PERSISTENT => true,
		PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
		PDO::PGSQL_ATTR_DISABLE_PREPARES => true,	// PQexecParams: one round trip
	]);
	$db->prepare('insert into event (workspace_id, event_id, created_at, endpoint_id, secret_id,
		signature, creator_id, model, action, entity_id, body)
		values (?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?) on conflict do nothing')->execute([
		$event->metadata->workspace_id, $event->event_id, $event->created_at, '\x' . $wanted,
		$event->creator_id ?? null, $event->metadata->model ?? null, $event->metadata->action ?? null,
		$event->payload->id ?? null, $body,
	]);
} catch (PDOException $e) {
	error_log($e->getMessage());
	answer(503, '{"error":"not recorded"}');
}
answer(200, '{"status":"OK"}');
