"""Greenplum's catalog inside PostgreSQL: the SQL that makes a template of each release.

Tables, views and functions lie in pg_catalog, as Greenplum's do. What Greenplum gathers from its segments is gathered
from the acting primaries through dblink, live; a primary that does not answer raises an error, as there.
"""

from gpmedic.practice.facts import Release

VERSIONS = {
    Release.V4_3: (
        "PostgreSQL 8.2.15 (Greenplum Database 4.3.99.00 build Deepgreen DB) on x86_64-unknown-linux-gnu, "
        "compiled by GCC gcc (Debian 12.2.0-14+deb12u1) 12.2.0 compiled on Nov 23 2026 08:29:32"
    ),
    Release.V6: (
        "PostgreSQL 9.4.26 (Greenplum Database 6.24.3 build commit:25d3498a400ca5230e81abb94861f23389315213) on "
        "x86_64-unknown-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0, 64-bit compiled on "
        "Nov 23 2026 08:29:57"
    ),
    Release.V7: (
        "PostgreSQL 12.12 (Greenplum Database 7.1.0 build commit:e7c2b1f14bb42a1018ac57d14f4436880e0a0515) on "
        "x86_64-pc-linux-gnu, compiled by gcc (GCC) 8.5.0 20210514 (Red Hat 8.5.0-20), 64-bit compiled on "
        "Jan 19 2024 06:49:28 Bhuvnesh C."
    ),
}
"""What `SELECT version()` prints."""

UTILITY_VERSIONS = {
    Release.V4_3: "postgres (Greenplum Database) 4.3.99.00 build Deepgreen DB",
    Release.V6: "postgres (Greenplum Database) 6.24.3 build commit:25d3498a400ca5230e81abb94861f23389315213",
    Release.V7: "postgres (Greenplum Database) 7.1.0 build commit:e7c2b1f14bb42a1018ac57d14f4436880e0a0515",
}
"""What `postgres --gp-version` prints."""

SLOT = "internal_wal_replication_slot"
FTS_CHANNEL = "gpmedic_fts_probe"

_COMMON = """
CREATE EXTENSION dblink SCHEMA pg_catalog;
CREATE SCHEMA gpmedic_practice;
CREATE TABLE gpmedic_practice.identity (name text NOT NULL, folder text NOT NULL, created timestamptz DEFAULT now());
COMMENT ON TABLE gpmedic_practice.identity IS 'This is a practice cluster of gpmedic; no data here is real.';
CREATE TABLE gpmedic_practice.fts_rounds (begun bigint NOT NULL, ended bigint NOT NULL);
INSERT INTO gpmedic_practice.fts_rounds VALUES (0, 0);
CREATE TABLE gpmedic_practice.hidden_replication (content int PRIMARY KEY);
COMMENT ON TABLE gpmedic_practice.hidden_replication IS 'Contents whose row gp_stat_replication lacks: a fault.';
CREATE TABLE gpmedic_practice.lagging (content int PRIMARY KEY, ends timestamptz, seconds float8, bytes bigint);
COMMENT ON TABLE gpmedic_practice.lagging IS 'Contents whose mirror is shown as catching up until then: a fault.';
CREATE TABLE gpmedic_practice.ledger (id bigint PRIMARY KEY, written timestamptz DEFAULT clock_timestamp());
CREATE TABLE pg_catalog.gp_configuration_history (time timestamptz NOT NULL, dbid smallint NOT NULL, "desc" text);
CREATE TABLE pg_catalog.gp_id (gpname name, numsegments smallint, dbid smallint, content smallint);
INSERT INTO pg_catalog.gp_id VALUES ('Greenplum', -1, -1, -1);

CREATE FUNCTION gpmedic_practice.ask(port int, content int, question text) RETURNS SETOF json
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT answer FROM pg_catalog.dblink(
    format('host=%s port=%s user={user} dbname=%s connect_timeout=5',
           current_setting('unix_socket_directories'), port, current_database()),
    format('SELECT row_to_json(q) FROM (%s) q', question)) AS t(answer json);
EXCEPTION WHEN sqlclient_unable_to_establish_sqlconnection THEN
  RAISE EXCEPTION 'failed to acquire resources on one or more segments'
    USING DETAIL = format('%s (seg%s 127.0.0.1:%s)', SQLERRM, content, port);
END $$;

CREATE FUNCTION pg_catalog.gp_dist_random(relation text) RETURNS TABLE (gp_segment_id int) LANGUAGE plpgsql AS $$
DECLARE segment record; answer json;
BEGIN
  FOR segment IN SELECT c.content::int AS content, c.port FROM gp_segment_configuration c
                 WHERE c.content >= 0 AND c.role = 'p' ORDER BY c.content LOOP
    FOR answer IN SELECT gpmedic_practice.ask(segment.port, segment.content,
                                             format('SELECT count(*) AS n FROM %s', relation)) LOOP
      RETURN QUERY SELECT segment.content FROM generate_series(1, (answer ->> 'n')::bigint);
    END LOOP;
  END LOOP;
END $$;

CREATE FUNCTION gpmedic_practice.settled(round bigint) RETURNS bool LANGUAGE sql VOLATILE AS
  $$ SELECT ended >= round FROM gpmedic_practice.fts_rounds $$;

-- A function sees the commits of others between its statements, so it can wait for FTS.
CREATE FUNCTION gpmedic_practice.probe_scan() RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
DECLARE wanted bigint; here text := format('host=%s port=%s user={user} dbname=%s',
  current_setting('unix_socket_directories'), current_setting('port'), current_database());
BEGIN
  SELECT begun + 1 INTO wanted FROM gpmedic_practice.fts_rounds;
  PERFORM pg_catalog.dblink_exec(here, 'NOTIFY {channel}');
  FOR attempt IN 1..1000 LOOP
    EXIT WHEN gpmedic_practice.settled(wanted);
    PERFORM pg_sleep(0.02);
  END LOOP;
  RETURN gpmedic_practice.settled(wanted);
END $$;
"""

_FILEREP = """
CREATE TABLE pg_catalog.gp_segment_configuration (
  dbid smallint NOT NULL, content smallint NOT NULL, role "char" NOT NULL, preferred_role "char" NOT NULL,
  mode "char" NOT NULL, status "char" NOT NULL, port int NOT NULL, hostname text, address text,
  replication_port int, san_mounts int2vector);
CREATE TABLE pg_catalog.pg_filespace (oid oid NOT NULL, fsname name NOT NULL, fsowner oid NOT NULL);
INSERT INTO pg_catalog.pg_filespace VALUES (3052, 'pg_system', 10);
CREATE TABLE pg_catalog.pg_filespace_entry (fsefsoid oid NOT NULL, fsedbid smallint NOT NULL, fselocation text);
"""

_WAL = """
CREATE TABLE pg_catalog.gp_segment_configuration (
  dbid smallint NOT NULL, content smallint NOT NULL, role "char" NOT NULL, preferred_role "char" NOT NULL,
  mode "char" NOT NULL, status "char" NOT NULL, port int NOT NULL, hostname text NOT NULL, address text NOT NULL,
  datadir text NOT NULL);
CREATE FUNCTION pg_catalog.gp_request_fts_probe_scan() RETURNS bool LANGUAGE sql VOLATILE
  AS $$ SELECT gpmedic_practice.probe_scan() $$;
"""

_OLD_XLOG_NAMES = """
CREATE FUNCTION pg_catalog.pg_current_xlog_location() RETURNS text LANGUAGE sql
  AS $$ SELECT pg_current_wal_lsn()::text $$;
CREATE FUNCTION pg_catalog.pg_xlog_location_diff(text, text) RETURNS numeric LANGUAGE sql
  AS $$ SELECT pg_wal_lsn_diff($1::pg_lsn, $2::pg_lsn) $$;
CREATE FUNCTION pg_catalog.pg_xlog_location_diff(pg_lsn, pg_lsn) RETURNS numeric LANGUAGE sql
  AS $$ SELECT pg_wal_lsn_diff($1, $2) $$;
"""

# The coordinator of the lab does not wait for its standby, which a drill may kill, but says so as a real one would.
# A pair without a stream is a row of nulls, as recorded on 6.24.3; a coordinator without a standby has no row.
_REPLICATION = """
CREATE FUNCTION gpmedic_practice.slowed(of_content int, stream jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT coalesce((
    SELECT stream || jsonb_build_object('state', 'catchup',
      'sent_lsn', (stream ->> 'sent_lsn')::pg_lsn - lag, 'write_lsn', (stream ->> 'write_lsn')::pg_lsn - lag,
      'flush_lsn', (stream ->> 'flush_lsn')::pg_lsn - lag, 'replay_lsn', (stream ->> 'replay_lsn')::pg_lsn - lag * 1.25)
    FROM gpmedic_practice.lagging,
      LATERAL (SELECT round(bytes * extract(epoch FROM ends - clock_timestamp()) / seconds)::numeric AS lag) l
    WHERE content = of_content AND ends > clock_timestamp()
      AND stream ->> 'application_name' = 'gp_walreceiver' AND stream ->> 'replay_lsn' IS NOT NULL
  ), stream)
$$;
CREATE FUNCTION gpmedic_practice.stat_replication() RETURNS SETOF json LANGUAGE plpgsql AS $$
DECLARE segment record; answer json; found_any bool;
BEGIN
  RETURN QUERY SELECT (to_jsonb(r)
    || '{{"gp_segment_id": -1, "sync_state": "sync", "sync_priority": 1}}')::json FROM pg_stat_replication r
    WHERE NOT EXISTS (SELECT FROM gpmedic_practice.hidden_replication h WHERE h.content = -1);
  FOR segment IN SELECT c.content::int AS content, c.port FROM gp_segment_configuration c
                 WHERE c.content >= 0 AND c.role = 'p' ORDER BY c.content LOOP
    found_any := false;
    CONTINUE WHEN EXISTS (SELECT FROM gpmedic_practice.hidden_replication h WHERE h.content = segment.content);
    FOR answer IN SELECT gpmedic_practice.ask(segment.port, segment.content,
                                             'SELECT * FROM pg_stat_replication') LOOP
      found_any := true;
      RETURN NEXT (gpmedic_practice.slowed(segment.content, answer::jsonb)
        || jsonb_build_object('gp_segment_id', segment.content))::json;
    END LOOP;
    IF NOT found_any THEN
      RETURN NEXT json_build_object('gp_segment_id', segment.content);
    END IF;
  END LOOP;
END $$;
CREATE VIEW pg_catalog.gp_stat_replication AS
SELECT gp_segment_id, pid, usesysid, usename, application_name, client_addr, client_hostname, client_port,
  backend_start, backend_xmin, state, sent_lsn AS sent_{position}, write_lsn AS write_{position},
  flush_lsn AS flush_{position}, replay_lsn AS replay_{position}, {lags} sync_priority, sync_state,
  'none'::text AS sync_error
FROM gpmedic_practice.stat_replication() answer, json_to_record(answer) AS r (
  gp_segment_id int, pid int, usesysid oid, usename name, application_name text, client_addr inet,
  client_hostname text, client_port int, backend_start timestamptz, backend_xmin xid, state text, sent_lsn {type},
  write_lsn {type}, flush_lsn {type}, replay_lsn {type}, write_lag interval, flush_lag interval, replay_lag interval,
  sync_priority int, sync_state text, reply_time timestamptz);
"""


def template_sql(release: Release, user: str) -> str:
    """Everything to be run in template1 of a fresh PostgreSQL, as the superuser `user`."""
    parts = ["SET allow_system_table_mods = on;", _COMMON.replace("{user}", user).replace("{channel}", FTS_CHANNEL)]
    parts.append(_FILEREP if release is Release.V4_3 else _WAL)
    if release is not Release.V7:
        parts.append(_OLD_XLOG_NAMES)
    if release is Release.V6:
        parts.append(_REPLICATION.format(position="location", type="pg_lsn", lags=""))
    if release is Release.V7:
        parts.append(_REPLICATION.format(position="lsn", type="pg_lsn", lags="write_lag, flush_lag, replay_lag,"))
    version = VERSIONS[release].replace("'", "''")
    parts.append(
        "CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE "
        f"AS $$ SELECT '{version}'::text $$;"
    )
    return "\n".join(parts)
