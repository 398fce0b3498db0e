BEGIN TRANSACTION;
CREATE TABLE batch(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL, idempotency_key TEXT NOT NULL,
    first_position INTEGER NOT NULL, formed_at INTEGER NOT NULL) STRICT;
INSERT INTO "batch" VALUES(3,'common-db','d2fe1c493caf112fef3d757ba9a7e117',0,1795263423388062);
CREATE TABLE counter(name TEXT NOT NULL UNIQUE, value INTEGER NOT NULL) STRICT;
INSERT INTO "counter" VALUES('records_stored',8);
INSERT INTO "counter" VALUES('records_dead_lettered',1);
CREATE TABLE dead_letter(
    id INTEGER PRIMARY KEY,
    record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
    destination TEXT NOT NULL, reason TEXT NOT NULL, answer TEXT NOT NULL,
    at INTEGER NOT NULL, UNIQUE(record_id, destination)) STRICT;
INSERT INTO "dead_letter" VALUES(1,3,'common-db','no such person','HTTP 422
{"results": [{"index": 0, "status": "rejected", "reason": "no such person"}]}',1795263423282227);
CREATE TABLE delivery(
    id INTEGER PRIMARY KEY,
    record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
    destination TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK(state IN ('waiting', 'held', 'no-table', 'delivered', 'dead')),
    reason TEXT, observed_at INTEGER, waiting_since INTEGER NOT NULL, delivered_at INTEGER,
    batch_id INTEGER REFERENCES batch(id), batch_position INTEGER,
    UNIQUE(record_id, destination)) STRICT;
INSERT INTO "delivery" VALUES(1,1,'common-db','delivered',NULL,1772319480000000,1795263423019849,1795263423083532,NULL,NULL);
INSERT INTO "delivery" VALUES(2,2,'common-db','delivered',NULL,1772319540000000,1795263423023324,1795263423083532,NULL,NULL);
INSERT INTO "delivery" VALUES(3,3,'common-db','dead',NULL,1772323140000000,1795263423277351,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(4,4,'common-db','waiting',NULL,1772326620000000,1795263423383676,NULL,3,0);
INSERT INTO "delivery" VALUES(5,5,'common-db','waiting',NULL,1772326680000000,1795263423386080,NULL,3,1);
INSERT INTO "delivery" VALUES(6,6,'common-db','waiting',NULL,1772326740000000,1795263423387395,NULL,3,2);
INSERT INTO "delivery" VALUES(7,7,'common-db','held','quarantined: no-clock-sync',NULL,1795263423410859,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(8,8,'common-db','held','quarantined: no-clock-sync',NULL,1795263423412022,NULL,NULL,NULL);
CREATE TABLE destination(
    name TEXT NOT NULL UNIQUE, last_delivered_at INTEGER NOT NULL,
    delivered INTEGER NOT NULL) STRICT;
INSERT INTO "destination" VALUES('common-db',1795263423083532,2);
CREATE TABLE device(
    device_id TEXT NOT NULL UNIQUE, address TEXT, manufacturer TEXT, model TEXT, serial TEXT,
    asset_number TEXT, firmware TEXT, profile TEXT,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, last_record INTEGER,
    records INTEGER NOT NULL DEFAULT 0,
    next_sequence INTEGER, clock_offset INTEGER, clock_checked_at INTEGER,
    clock_set_at INTEGER, newest_device_time INTEGER, newest_sequence INTEGER,
    last_session_ended_at INTEGER, battery INTEGER, clock_steps TEXT,
    failed_measurements INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "device" VALUES('ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'and-ua-651ble',1772319600000000,1772330401200000,1772330401200000,8,NULL,800000,1772330400800000,1772326800800000,1772362740000000,NULL,1772330401400000,NULL,NULL,0);
CREATE TABLE failed_measurement(
    device_id TEXT NOT NULL, failure_key TEXT NOT NULL, at INTEGER NOT NULL,
    UNIQUE(device_id, failure_key)) STRICT;
CREATE TABLE migration(
    version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;
INSERT INTO "migration" VALUES(1,'fc4292eef8e6fcc32741d4f739cb8b2b613037f3bce38925d7b8abe862884162',1795263422917860);
CREATE TABLE raw_frame(
    id INTEGER PRIMARY KEY,
    record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
    position INTEGER NOT NULL, source TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
INSERT INTO "raw_frame" VALUES(1,1,0,'gatt:2a35',X'16780046005600EA070301073A003C000000');
INSERT INTO "raw_frame" VALUES(2,2,0,'gatt:2a35',X'16790047005700EA070301073B003D000000');
INSERT INTO "raw_frame" VALUES(3,3,0,'gatt:2a35',X'16780046005600EA070301083B003C000000');
INSERT INTO "raw_frame" VALUES(4,4,0,'gatt:2a35',X'16780046005600EA0703010939003C000000');
INSERT INTO "raw_frame" VALUES(5,5,0,'gatt:2a35',X'16790047005700EA070301093A003D000000');
INSERT INTO "raw_frame" VALUES(6,6,0,'gatt:2a35',X'167A0048005800EA070301093B003E000000');
INSERT INTO "raw_frame" VALUES(7,7,0,'gatt:2a35',X'16780046005600EA0703010A3A003C000000');
INSERT INTO "raw_frame" VALUES(8,8,0,'gatt:2a35',X'16790047005700EA0703010A3B003D000000');
CREATE TABLE record(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record_key TEXT NOT NULL UNIQUE,
    device_id TEXT NOT NULL, device_address TEXT, device_manufacturer TEXT,
    device_model TEXT, device_serial TEXT, device_asset_number TEXT, device_firmware TEXT,
    kind TEXT NOT NULL, quantities TEXT NOT NULL, flags TEXT NOT NULL,
    user_slot INTEGER, sequence_number INTEGER, device_time INTEGER,
    received_at INTEGER NOT NULL, received_monotonic INTEGER NOT NULL,
    received_synchronised INTEGER NOT NULL,
    observed_at INTEGER, time_basis TEXT, time_origin TEXT, clock_offset INTEGER,
    uncertainty INTEGER, resolution TEXT,
    quarantine TEXT,
    data_input_code TEXT NOT NULL, position_code TEXT, duration INTEGER, meal_code TEXT,
    profile TEXT NOT NULL, profile_revision INTEGER NOT NULL, simulated INTEGER NOT NULL,
    fingerprint TEXT, participant TEXT, participant_rule TEXT, stored_at INTEGER NOT NULL
) STRICT;
INSERT INTO "record" VALUES(1,'5c1d3ea8ba2b6146c3f5070604728f75','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":120,"unit":"mm[Hg]"},{"name":"diastolic","number":70,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":86,"unit":"mm[Hg]"},{"name":"pulse_rate","number":60,"unit":"/min"}]','[]',NULL,NULL,1772351880000000,1772319601000000,1000000000,1,1772319480000000,'device-clock','0',600000,1000000,'second',NULL,'0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423019849);
INSERT INTO "record" VALUES(2,'2eab88abf75425e848541898ffa3a921','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":121,"unit":"mm[Hg]"},{"name":"diastolic","number":71,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":87,"unit":"mm[Hg]"},{"name":"pulse_rate","number":61,"unit":"/min"}]','[]',NULL,NULL,1772351940000000,1772319601200000,1200000000,1,1772319540000000,'device-clock','0',600000,1000000,'second',NULL,'0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423023324);
INSERT INTO "record" VALUES(3,'2ae0098f35e377576328722f73f861b6','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":120,"unit":"mm[Hg]"},{"name":"diastolic","number":70,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":86,"unit":"mm[Hg]"},{"name":"pulse_rate","number":60,"unit":"/min"}]','[]',NULL,NULL,1772355540000000,1772323201000000,1000000000,1,1772323140000000,'device-clock','0',600000,1000000,'second',NULL,'0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423277351);
INSERT INTO "record" VALUES(4,'8d6ac2a8ce143403322708e617747efe','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":120,"unit":"mm[Hg]"},{"name":"diastolic","number":70,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":86,"unit":"mm[Hg]"},{"name":"pulse_rate","number":60,"unit":"/min"}]','[]',NULL,NULL,1772359020000000,1772326801000000,1000000000,1,1772326620000000,'device-clock','0',600000,1000000,'second',NULL,'0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423383676);
INSERT INTO "record" VALUES(5,'a7e5134b868d612fc70952bdf5655672','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":121,"unit":"mm[Hg]"},{"name":"diastolic","number":71,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":87,"unit":"mm[Hg]"},{"name":"pulse_rate","number":61,"unit":"/min"}]','[]',NULL,NULL,1772359080000000,1772326801200000,1200000000,1,1772326680000000,'device-clock','0',600000,1000000,'second',NULL,'0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423386080);
INSERT INTO "record" VALUES(6,'0a3bc517bc3428d4e6930c8298ddeb6e','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":122,"unit":"mm[Hg]"},{"name":"diastolic","number":72,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":88,"unit":"mm[Hg]"},{"name":"pulse_rate","number":62,"unit":"/min"}]','[]',NULL,NULL,1772359140000000,1772326801400000,1400000000,1,1772326740000000,'device-clock','0',600000,1000000,'second',NULL,'0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423387395);
INSERT INTO "record" VALUES(7,'54a71863067a4e3ce7668b6964aaf9b0','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":120,"unit":"mm[Hg]"},{"name":"diastolic","number":70,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":86,"unit":"mm[Hg]"},{"name":"pulse_rate","number":60,"unit":"/min"}]','[]',NULL,NULL,1772362680000000,1772330401000000,1000000000,0,NULL,NULL,NULL,NULL,NULL,NULL,'no-clock-sync','0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423410859);
INSERT INTO "record" VALUES(8,'bc5f2245a0b568085c59e7c2d0ccf5be','ble:A4:C1:38:00:01:01','A4:C1:38:00:01:01','A&D','UA-651BLE',NULL,NULL,NULL,'blood-pressure','[{"name":"systolic","number":121,"unit":"mm[Hg]"},{"name":"diastolic","number":71,"unit":"mm[Hg]"},{"name":"mean_arterial_pressure","number":87,"unit":"mm[Hg]"},{"name":"pulse_rate","number":61,"unit":"/min"}]','[]',NULL,NULL,1772362740000000,1772330401200000,1200000000,0,NULL,NULL,NULL,NULL,NULL,NULL,'no-clock-sync','0',NULL,NULL,NULL,'and-ua-651ble',1,1,NULL,'P0000001','device-owner',1795263423412022);
CREATE TABLE spent_key(
    record_key TEXT NOT NULL UNIQUE, record_id INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX record_fingerprint ON record(device_id, fingerprint, received_at)
    WHERE fingerprint IS NOT NULL;
CREATE INDEX record_unassigned ON record(id)
    WHERE participant IS NULL AND quarantine IS NULL;
CREATE INDEX record_quarantined ON record(id) WHERE quarantine IS NOT NULL;
CREATE INDEX raw_frame_record ON raw_frame(record_id, position);
CREATE INDEX batch_open ON batch(destination, first_position);
CREATE INDEX delivery_due ON delivery(destination, observed_at, record_id)
    WHERE state = 'waiting';
CREATE INDEX delivery_state ON delivery(state, destination, waiting_since, record_id);
CREATE INDEX delivery_batch ON delivery(batch_id, batch_position)
    WHERE batch_id IS NOT NULL;
CREATE INDEX delivery_delivered ON delivery(delivered_at) WHERE state = 'delivered';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('record',8);
INSERT INTO "sqlite_sequence" VALUES('batch',3);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 1212895829;
