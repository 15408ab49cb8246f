"""Runs queries on the same rows in DuckDB: reads tables and queries from standard input, and writes the rows found."""

import json
import sys

import duckdb

work = json.load(sys.stdin)
database = duckdb.connect()
database.execute("CREATE MACRO redaction(value, level) AS value")
for table in work["tables"]:
    columns = ", ".join(f"{name} {kind}" for name, kind in table["columns"])
    database.execute(f"CREATE TABLE {table['name']} ({columns})")
    places = ", ".join("?" for _ in table["columns"])
    for row in table["rows"]:
        values = [row.get(name) for name, _ in table["columns"]]
        database.execute(f"INSERT INTO {table['name']} VALUES ({places})", values)

results = []
for query in work["queries"]:
    try:
        results.append([list(row) for row in database.execute(query).fetchall()])
    except duckdb.Error as error:
        results.append(str(error))
json.dump(results, sys.stdout, default=float)
