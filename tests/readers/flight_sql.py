"""Asks a server through ADBC's driver for Arrow Flight SQL and prints, as JSON, what it answers."""

import json
import os
import sys

import adbc_driver_flightsql.dbapi as flight_sql
from adbc_driver_flightsql import DatabaseOptions

TENANT = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value + "x-scope-orgid"


def values(column):
    """As Python's own; times as nanoseconds, which Python's own have no room for."""
    return (column.cast("int64") if str(column.type).startswith("timestamp") else column).to_pylist()


def answer(connection, query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        table = cursor.fetch_arrow_table()
        columns = [values(column) for column in table.columns]
        return {"types": [str(field.type) for field in table.schema], "rows": [list(row) for row in zip(*columns)]}


def refused(connection, query):
    try:
        return answer(connection, query)
    except flight_sql.Error as error:
        return str(error)


def prepared(connection, query):
    """How many rows come in each of two runs."""
    with connection.cursor() as cursor:
        cursor.adbc_prepare(query)
        counts = []
        for _ in range(2):
            cursor.execute(query)
            counts.append(len(cursor.fetchall()))
        return counts


def tables(connection):
    found = []
    for catalog in connection.adbc_get_objects(depth="tables").read_all().to_pylist():
        for schema in catalog["catalog_db_schemas"]:
            for table in schema["db_schema_tables"]:
                found.append(
                    [catalog["catalog_name"], schema["db_schema_name"], table["table_name"], table["table_type"]]
                )
    return found


def main():
    address, tenant, queries = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

    def connect(tenant):
        return flight_sql.connect(f"grpc://{address}", db_kwargs={TENANT: tenant}, autocommit=True)

    with connect(tenant) as connection, connect("another") as other:
        found = {
            "vendor": connection.adbc_get_info()["vendor_name"],
            "tables": tables(connection),
            "table_types": connection.adbc_get_table_types(),
            "schema": connection.adbc_get_table_schema("spans").names,
            "answers": [answer(connection, query) for query in queries],
            "prepared": prepared(connection, queries[0]),
            "refused": [refused(connection, query) for query in ["SELECT nothing FROM spans", "DROP TABLE spans"]],
            "another_tenant": answer(other, "SELECT count(*) FROM spans"),
        }
    print(json.dumps(found, default=str))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
