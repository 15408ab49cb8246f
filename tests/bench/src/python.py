"""Makes one call many times with the official SDK as it is published, and prints what it cost, as JSON on one line.

`python.py <case> <calls>`; VAULT_ID, CLUSTER_ID and API_KEY are in the environment, and SSL_CERT_FILE has the certificate
of the server, as for any program that uses this SDK.
"""

import json
import os
import statistics
import sys
import time

from skyflow import Env, LogLevel, Skyflow
from skyflow.utils.enums import RedactionType
from skyflow.vault.data import GetRequest, InsertRequest
from skyflow.vault.tokens import DetokenizeRequest

# The calls that open the connection before the measured ones.
WARM_UP = 3


def insert(vault, rows):
    values = [{"card_number": f"4111111111{row:06}", "cardholder_name": "John Doe"} for row in range(rows)]
    response = vault.insert(InsertRequest(table="table1", values=values, return_tokens=True))
    return [row for row in response.inserted_fields if row["skyflow_id"] and row["card_number"]]


def detokenize(vault, rows):
    data = [{"token": f"{row:04}-4629-3722-7102", "redaction": RedactionType.PLAIN_TEXT} for row in range(rows)]
    response = vault.detokenize(DetokenizeRequest(data=data))
    return [field for field in response.detokenized_fields if field["token"] and field["value"]]


def get(vault, rows):
    ids = [f"b9b80eef-4a4a-4b9c-8f9a-{row:012}" for row in range(rows)]
    response = vault.get(GetRequest(table="table1", ids=ids, redaction_type=RedactionType.PLAIN_TEXT))
    return [row for row in response.data if row["skyflow_id"] and row["card_number"]]


CASES = {"insert": insert, "detokenize": detokenize, "get": get}


def main():
    case, calls = sys.argv[1], int(sys.argv[2])
    kind, _, rows = case.partition("-")
    make, rows = CASES[kind], int(rows)
    config = {
        "vault_id": os.environ["VAULT_ID"],
        "cluster_id": os.environ["CLUSTER_ID"],
        "env": Env.PROD,
        "credentials": {"api_key": os.environ["API_KEY"]},
    }
    client = Skyflow.builder().set_log_level(LogLevel.OFF).add_vault_config(config).build()
    vault = client.vault(config["vault_id"])

    def call():
        if len(make(vault, rows)) != rows:
            sys.exit("the response lacks rows")

    for _ in range(WARM_UP):
        call()
    taken = []
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    per_call = 1e6 / calls
    print(json.dumps({"cpu_us": cpu * per_call, "wall_us": wall * per_call, "p50_us": statistics.median(taken) * 1e6}))


main()
