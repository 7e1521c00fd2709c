#!/bin/sh
# Runs once, on an empty data folder: the owner of Folio's and Airflow's databases, and the roles the API logs in with.
# The owner is no superuser, so that row-level security binds it like everyone else.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$OWNER_PASSWORD" --set api_password="$API_PASSWORD" <<'SQL'
create role folio login createrole createdb password :'owner_password';
create role folio_api login password :'api_password';
create role folio_audit login password :'api_password';
grant folio_api, folio_audit to folio with admin true, inherit false, set false;
create database folio owner folio template template0 encoding 'UTF8';
create database airflow owner folio template template0 encoding 'UTF8';
SQL
