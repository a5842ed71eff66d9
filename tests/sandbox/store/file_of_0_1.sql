BEGIN TRANSACTION;
CREATE TABLE api_keys (
	seq INTEGER NOT NULL, 
	secret VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	scopes VARCHAR NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (secret)
);
INSERT INTO "api_keys" VALUES(1,'sk_test_main_of_old','key_da445e8d494c','acct_sandbox','balance:read merchants:write payments:read payments:write payouts:read payouts:write refunds:read refunds:write webhooks:read webhooks:write');
INSERT INTO "api_keys" VALUES(2,'sk_test_reader_of_old','key_f69513b8919d','acct_sandbox','payouts:read');
CREATE TABLE attempts (
	seq INTEGER NOT NULL, 
	delivery_id VARCHAR NOT NULL, 
	at FLOAT NOT NULL, 
	status INTEGER, 
	error VARCHAR, 
	seconds FLOAT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE deliveries (
	seq INTEGER NOT NULL, 
	id VARCHAR NOT NULL, 
	event_id VARCHAR NOT NULL, 
	endpoint_id VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at FLOAT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
CREATE TABLE documents (
	seq INTEGER NOT NULL, 
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	owner VARCHAR, 
	amount INTEGER, 
	body TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "documents" VALUES(1,'pi_d9ec203fa36fba87dfe6c302','payment_intent','acct_sandbox','succeeded',NULL,4000,'{"id": "pi_d9ec203fa36fba87dfe6c302", "status": "succeeded", "metadata": {"sandbox": "disputed"}, "amount": 4000, "currency": "USD", "capture": true, "created_at": "2026-11-21T22:29:12.490Z", "_kind": "payment_intent", "_account": "acct_sandbox", "_magic": "disputed", "amount_captured": 4000, "updated_at": "2026-11-21T23:29:12.535Z"}');
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	id VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	at FLOAT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "events" VALUES(1,'evt_b47b5034e6f262ec47ac9354','acct_sandbox','payment.created',1.79530015249006056786e+09,'{"id": "evt_b47b5034e6f262ec47ac9354", "type": "payment.created", "created": 1795300152, "data": {"id": "pi_d9ec203fa36fba87dfe6c302", "status": "requires_confirmation", "metadata": {"sandbox": "disputed"}, "amount": 40, "currency": "USD", "capture": true, "created_at": "2026-11-21T22:29:12.490Z", "amount_captured": 0}, "livemode": false}');
INSERT INTO "events" VALUES(2,'evt_07a0efd246bfaf229ed68bf0','acct_sandbox','payment.succeeded',1.79530015253509140013e+09,'{"id": "evt_07a0efd246bfaf229ed68bf0", "type": "payment.succeeded", "created": 1795300152, "data": {"id": "pi_d9ec203fa36fba87dfe6c302", "status": "succeeded", "metadata": {"sandbox": "disputed"}, "amount": 40, "currency": "USD", "capture": true, "created_at": "2026-11-21T22:29:12.490Z", "amount_captured": 40, "updated_at": "2026-11-21T22:29:12.535Z"}, "livemode": false}');
INSERT INTO "events" VALUES(3,'evt_87c52ac2c21d233e1a653d65','acct_sandbox','dispute.created',1.79530375253510093682e+09,'{"id": "evt_87c52ac2c21d233e1a653d65", "type": "dispute.created", "created": 1795303752, "data": {"id": "pi_d9ec203fa36fba87dfe6c302", "status": "succeeded", "metadata": {"sandbox": "disputed"}, "amount": 40, "currency": "USD", "capture": true, "created_at": "2026-11-21T22:29:12.490Z", "amount_captured": 40, "updated_at": "2026-11-21T23:29:12.535Z"}, "livemode": false}');
CREATE TABLE jobs (
	seq INTEGER NOT NULL, 
	due_at FLOAT NOT NULL, 
	action VARCHAR NOT NULL, 
	document_id VARCHAR NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "jobs" VALUES(1,1.79539015253510093688e+09,'resolve_dispute','pi_d9ec203fa36fba87dfe6c302');
CREATE TABLE ledger (
	seq INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	movement VARCHAR NOT NULL, 
	ledger_account VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	amount INTEGER NOT NULL, 
	why VARCHAR NOT NULL, 
	object_id VARCHAR NOT NULL, 
	order_id VARCHAR, 
	idempotency_key VARCHAR, 
	PRIMARY KEY (seq)
);
INSERT INTO "ledger" VALUES(1,1.79530015253509140013e+09,'mv_575d5e7b76ecfd54919b8ad9','processor_clearing','USD',4000,'capture','pi_d9ec203fa36fba87dfe6c302',NULL,'b');
INSERT INTO "ledger" VALUES(2,1.79530015253509140013e+09,'mv_575d5e7b76ecfd54919b8ad9','merchant_balance','USD',-4000,'capture','pi_d9ec203fa36fba87dfe6c302',NULL,'b');
INSERT INTO "ledger" VALUES(3,1.79530375253510093682e+09,'mv_b79075298c6964ae24d54f64','merchant_balance','USD',4000,'dispute','pi_d9ec203fa36fba87dfe6c302',NULL,NULL);
INSERT INTO "ledger" VALUES(4,1.79530375253510093682e+09,'mv_b79075298c6964ae24d54f64','disputes_held','USD',-4000,'dispute','pi_d9ec203fa36fba87dfe6c302',NULL,NULL);
CREATE TABLE requests (
	seq INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	request_id VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	key_id VARCHAR NOT NULL, 
	operation VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	idempotency_key VARCHAR, 
	fingerprint VARCHAR, 
	status INTEGER NOT NULL, 
	answer TEXT, 
	object_id VARCHAR, 
	order_id VARCHAR, 
	executed BOOLEAN NOT NULL, 
	replayable BOOLEAN NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "requests" VALUES(1,1.79530015249006056786e+09,'req_b8e6297d4ab5549c14c57097','acct_sandbox','key_da445e8d494c','create_payment_intent','/v1/connect/payment_intents','a','7fd969956570a0de64d9c556bcb9757a55a82039e349ed66b38281ea542038bf',201,'{"body": {"id": "pi_d9ec203fa36fba87dfe6c302", "status": "requires_confirmation", "metadata": {"sandbox": "disputed"}, "amount": 40, "currency": "USD", "capture": true, "created_at": "2026-11-21T22:29:12.490Z", "amount_captured": 0}}','pi_d9ec203fa36fba87dfe6c302',NULL,1,1);
INSERT INTO "requests" VALUES(2,1.79530015253509140013e+09,'req_b0def6d4017204af2c676318','acct_sandbox','key_da445e8d494c','confirm_payment_intent','/v1/connect/payment_intents/pi_d9ec203fa36fba87dfe6c302/confirm','b','9b12123ab9b83affc3b0744dc53859f453b2c2642fd60e43dbaaa983be885982',200,'{"body": {"id": "pi_d9ec203fa36fba87dfe6c302", "status": "succeeded", "metadata": {"sandbox": "disputed"}, "amount": 40, "currency": "USD", "capture": true, "created_at": "2026-11-21T22:29:12.490Z", "amount_captured": 40, "updated_at": "2026-11-21T22:29:12.535Z"}}','pi_d9ec203fa36fba87dfe6c302',NULL,1,1);
CREATE TABLE settings (
	name VARCHAR NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('clock_offset',3.59996861982345581058e+03);
CREATE INDEX documents_by_owner ON documents (owner);
CREATE INDEX documents_by_kind ON documents (kind, account, seq);
CREATE INDEX requests_by_order ON requests (order_id);
CREATE INDEX requests_by_key ON requests (idempotency_key);
CREATE INDEX ledger_by_order ON ledger (order_id);
CREATE INDEX deliveries_due ON deliveries (status, due_at);
CREATE INDEX ix_attempts_delivery_id ON attempts (delivery_id);
CREATE INDEX ix_jobs_due_at ON jobs (due_at);
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER requests_no_update BEFORE UPDATE ON requests BEGIN SELECT RAISE(ABORT, 'requests is append-only'); END;
CREATE TRIGGER requests_no_delete BEFORE DELETE ON requests BEGIN SELECT RAISE(ABORT, 'requests is append-only'); END;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
COMMIT;
PRAGMA user_version = 2;
