/* What a bare loop over SQLite and libcurl needs for the same work: the peer of scripts/bench store and uplink.
 *
 *   StorePeer append FILE COUNT N    the inserts that the gateway makes, in N durable transactions
 *   StorePeer drain FILE URL         read a hundred, write a document, POST it, mark them; until none wait
 *   StorePeer sink [PORT [STATUS]]   a receiver that answers 204, or STATUS; prints its port, then a line a document
 *
 * FILE is an empty (append) or filled (drain) store of the gateway; the triggers that keep its numbers are dropped
 * first, for a bare loop keeps none. Not shipped.
 */
#define _GNU_SOURCE /* strcasestr */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static sqlite3 *db;

static void fail(const char *what) {
    fprintf(stderr, "StorePeer: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
    exit(1);
}
static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void run(const char *sql) {
    if (sqlite3_exec(db, sql, 0, 0, 0) != SQLITE_OK) fail(sql);
}
static int drop_next_trigger(void);
static void open_store(const char *path) {
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, 0) != SQLITE_OK) fail(path);
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-512; PRAGMA journal_size_limit=4194304");
    while (drop_next_trigger()) {}
}
static int drop_next_trigger(void) {
    char sql[200] = "";
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE name GLOB 'tally_*'"
                               " AND type = 'trigger'", -1, &s, 0) != SQLITE_OK) fail("triggers");
    if (sqlite3_step(s) == SQLITE_ROW) snprintf(sql, sizeof sql, "%s", sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    if (*sql) run(sql);
    return *sql != 0;
}
static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *s;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, 0) != SQLITE_OK) fail(sql);
    return s;
}
static void step(sqlite3_stmt *s) {
    int code = sqlite3_step(s);
    if (code != SQLITE_DONE && code != SQLITE_ROW) fail(sqlite3_sql(s));
    sqlite3_reset(s);
}
static void text(sqlite3_stmt *s, int i, const char *v) { sqlite3_bind_text(s, i, v, -1, SQLITE_TRANSIENT); }

static int append(const char *path, int count, int commits) {
    open_store(path);
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    sqlite3_stmt *record = prepare(
        "INSERT INTO record(record_key, device_id, device_address, device_manufacturer, device_model, device_serial,"
        " kind, quantities, flags, sequence_number, device_time, received_at, received_monotonic,"
        " received_synchronised, observed_at, time_basis, time_origin, uncertainty, resolution, data_input_code,"
        " profile, profile_revision, simulated, participant, participant_rule, stored_at)"
        " VALUES(?1,'ble:A4:C1:38:00:00:01','A4:C1:38:00:00:01','A&D','UA-651BLE','5180200001','blood-pressure',"
        " '[{\"name\":\"systolic\",\"number\":125,\"unit\":\"mm[Hg]\"},"
        "{\"name\":\"diastolic\",\"number\":80,\"unit\":\"mm[Hg]\"},"
        "{\"name\":\"pulse_rate\",\"number\":64,\"unit\":\"/min\"}]','[]',?2,?3,?3,1,1,?3,'device-clock','device',0,"
        " 'second','1','and-ua-651ble',3,0,'P0000001','device-owner',?3) ON CONFLICT(record_key) DO NOTHING");
    sqlite3_stmt *frame = prepare("INSERT INTO raw_frame(record_id, position, source, bytes) VALUES(?,0,'gatt:2a35',?)");
    sqlite3_stmt *delivery = prepare(
        "INSERT INTO delivery(record_id, destination, state, observed_at, waiting_since) VALUES(?,'db','waiting',?,?)");
    sqlite3_stmt *known = prepare("SELECT record_id FROM spent_key WHERE record_key = ?");
    sqlite3_stmt *device = prepare(
        "INSERT INTO device(device_id, first_seen, last_seen) VALUES('ble:A4:C1:38:00:00:01', ?1, ?1)"
        " ON CONFLICT(device_id) DO UPDATE SET last_seen = max(last_seen, ?1)");
    sqlite3_stmt *counted = prepare(
        "UPDATE device SET last_record = ?1, records = records + 1 WHERE device_id = 'ble:A4:C1:38:00:00:01'");
    sqlite3_stmt *counter = prepare(
        "INSERT INTO counter(name, value) VALUES('records_stored', 1)"
        " ON CONFLICT(name) DO UPDATE SET value = value + 1");
    sqlite3_stmt *ledger = prepare(
        "INSERT INTO ledger(at, actor, event, subject, details, previous, hash) VALUES(?1,'gateway','received',"
        " 'ble:A4:C1:38:00:00:01','{\"records\":1,\"first\":1,\"last\":1,\"quarantined\":0,\"known_already\":0}',"
        " ?2, ?2)");
    sqlite3_stmt *head = prepare(
        "INSERT INTO remembered(name, value) VALUES('ledger-head', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1");
    unsigned char bytes[20] = {0x16};
    char key[40], hash[80];
    snprintf(hash, sizeof hash, "%064d", 7);
    double began = seconds();
    for (int n = 1; n <= count; n++) {
        sqlite3_int64 at = 1772334000000000LL + n * 1000000LL;
        snprintf(key, sizeof key, "%032x", n);
        int is_last = (long)n * commits / count > (long)(n - 1) * commits / count;
        if (sqlite3_get_autocommit(db)) step(begin);
        text(known, 1, key);
        step(known);
        text(record, 1, key);
        sqlite3_bind_int(record, 2, n);
        sqlite3_bind_int64(record, 3, at);
        step(record);
        sqlite3_int64 row = sqlite3_last_insert_rowid(db);
        sqlite3_bind_int64(frame, 1, row);
        sqlite3_bind_blob(frame, 2, bytes, sizeof bytes, SQLITE_STATIC);
        step(frame);
        sqlite3_bind_int64(delivery, 1, row);
        sqlite3_bind_int64(delivery, 2, at);
        sqlite3_bind_int64(delivery, 3, at);
        step(delivery);
        sqlite3_bind_int64(device, 1, at);
        step(device);
        sqlite3_bind_int64(counted, 1, at);
        step(counted);
        step(counter);
        sqlite3_bind_int64(ledger, 1, at);
        text(ledger, 2, hash);
        step(ledger);
        text(head, 1, hash);
        step(head);
        if (is_last) step(commit);
    }
    printf("%.6f\n", seconds() - began);
    return 0;
}

static size_t ignore(char *p, size_t s, size_t n, void *c) { (void)p; (void)c; return s * n; }

static int drain(const char *path, const char *url) {
    open_store(path);
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    sqlite3_stmt *due = prepare(
        "SELECT r.id, r.record_key, r.participant, r.device_model, r.device_serial, r.quantities, r.observed_at,"
        " r.stored_at FROM delivery d JOIN record r ON r.id = d.record_id WHERE d.destination = 'db'"
        " AND d.state = 'waiting' ORDER BY d.observed_at, d.record_id LIMIT 100");
    sqlite3_stmt *mark = prepare(
        "UPDATE delivery SET state = 'delivered', delivered_at = ?1, held_update = ?1"
        " WHERE record_id = ?2 AND destination = 'db'");
    sqlite3_stmt *ledger = prepare(
        "INSERT INTO ledger(at, actor, event, subject, details, previous, hash)"
        " VALUES(?1,'gateway','delivery','db',?2,?3,?3)");
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(0, "Content-Type: application/json; charset=utf-8");
    headers = curl_slist_append(headers, "Idempotency-Key: 0123456789abcdef");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    static char document[1 << 18], keys[1 << 14], hash[80];
    snprintf(hash, sizeof hash, "%064d", 7);
    sqlite3_int64 rows[100];
    int total = 0;
    double began = seconds();
    while (1) {
        int count = 0;
        size_t length = (size_t)sprintf(document, "{\"records\":["), k = (size_t)sprintf(keys, "{\"accepted\":[");
        while (sqlite3_step(due) == SQLITE_ROW) {
            rows[count] = sqlite3_column_int64(due, 0);
            time_t at = (time_t)(sqlite3_column_int64(due, 6) / 1000000);
            char when[20];
            strftime(when, sizeof when, "%Y%m%d%H%M%S", gmtime(&at));
            length += (size_t)sprintf(
                document + length,
                "%s{\"person_id\":\"%s\",\"observation_time\":\"%s\",\"production_specification_model\":\"%s\","
                "\"production_specification_serial\":\"%s\",\"origin_of_time_code\":\"0\",\"data_input_code\":\"1\","
                "\"consortium_id\":\"C00001\",\"update_time\":\"%s000\",\"values\":%s}",
                count ? "," : "", sqlite3_column_text(due, 2), when, sqlite3_column_text(due, 3),
                sqlite3_column_text(due, 4), when, sqlite3_column_text(due, 5));
            k += (size_t)sprintf(keys + k, "%s\"%s\"", count ? "," : "", sqlite3_column_text(due, 1));
            count++;
        }
        sqlite3_reset(due);
        if (!count) break;
        sprintf(document + length, "]}");
        sprintf(keys + k, "]}");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, document);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)(length + 2));
        if (curl_easy_perform(curl) != CURLE_OK) fail("the sink does not answer");
        step(begin);
        for (int i = 0; i < count; i++) {
            sqlite3_bind_int64(mark, 1, 1772334000000000LL);
            sqlite3_bind_int64(mark, 2, rows[i]);
            step(mark);
        }
        sqlite3_bind_int64(ledger, 1, 1772334000000000LL);
        text(ledger, 2, keys);
        text(ledger, 3, hash);
        step(ledger);
        step(commit);
        total += count;
    }
    printf("%d %.6f\n", total, seconds() - began);
    return 0;
}

/* Reads whole requests by their Content-Length; one connection after the other. */
static void serve(int client, const char *answer) {
    static char buffer[1 << 20];
    size_t have = 0;
    while (1) {
        ssize_t got = read(client, buffer + have, sizeof buffer - 1 - have);
        if (got <= 0) break;
        have += (size_t)got;
        buffer[have] = 0;
        char *end;
        while ((end = strstr(buffer, "\r\n\r\n"))) {
            char *header = strcasestr(buffer, "content-length:");
            size_t whole = (size_t)(end - buffer) + 4 + (header && header < end ? strtoul(header + 15, 0, 10) : 0);
            if (whole > sizeof buffer - 1 || have < whole) break;
            if (write(client, answer, strlen(answer)) != (ssize_t)strlen(answer)) return;
            puts("document");
            fflush(stdout);
            memmove(buffer, buffer + whole, have - whole);
            have -= whole;
            buffer[have] = 0;
        }
    }
}

static int sink(int port, int status) {
    char answer[80];
    snprintf(answer, sizeof answer, "HTTP/1.1 %d So\r\n%s\r\n", status, status == 204 ? "" : "Content-Length: 0\r\n");
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&a, size) || listen(listener, 8)) fail("no port");
    getsockname(listener, (struct sockaddr *)&a, &size);
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    while (1) {
        int client = accept(listener, 0, 0);
        if (client < 0) return 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        serve(client, answer);
        close(client);
    }
}

int main(int count, char **words) {
    if (count == 5 && !strcmp(words[1], "append")) return append(words[2], atoi(words[3]), atoi(words[4]));
    if (count == 4 && !strcmp(words[1], "drain")) return drain(words[2], words[3]);
    if (count >= 2 && count <= 4 && !strcmp(words[1], "sink"))
        return sink(count > 2 ? atoi(words[2]) : 0, count > 3 ? atoi(words[3]) : 204);
    fprintf(stderr, "usage: StorePeer append FILE COUNT | drain FILE URL | sink [PORT [STATUS]]\n");
    return 2;
}
