"""Makes the calls of a scenario with the official SDK as it is published, and prints what came of them as JSON.

Configuration comes from the environment: VAULT_ID, CLUSTER_ID, and CREDENTIALS as the SDK takes them, in JSON. Trust in
the server comes from SSL_CERT_FILE, as for any program that uses this SDK.
"""

import base64
import io
import json
import os
import re
import sys
import tempfile

from skyflow import Env, LogLevel, Skyflow
from skyflow.error import SkyflowError
from skyflow.utils.enums import DetectEntities, RedactionType, TokenMode, TokenType
from skyflow.vault.data import (
    DeleteRequest,
    FileUploadRequest,
    GetRequest,
    InsertRequest,
    QueryRequest,
    UpdateRequest,
)
from skyflow.vault.detect import (
    DateTransformation,
    DeidentifyFileRequest,
    DeidentifyTextRequest,
    FileInput,
    GetDetectRunRequest,
    ReidentifyTextRequest,
    TokenFormat,
    Transformations,
)
from skyflow.vault.detect._file import File
from skyflow.vault.tokens import DetokenizeRequest, TokenizeRequest

CONTENT = b"content"
DETECT_CONTENT = b"Jane Doe, SSN 123-45-6789\n"
DETECT_REQUESTS = {
    "deidentify_text": DeidentifyTextRequest,
    "reidentify_text": ReidentifyTextRequest,
    "deidentify_file": DeidentifyFileRequest,
    "get_detect_run": GetDetectRunRequest,
}
REQUESTS = {
    "insert": InsertRequest,
    "get": GetRequest,
    "update": UpdateRequest,
    "delete": DeleteRequest,
    "query": QueryRequest,
    "detokenize": DetokenizeRequest,
    "tokenize": TokenizeRequest,
}


def filled(value, known):
    if isinstance(value, str):
        return re.sub(r"\{\{([^}]*)\}\}", lambda match: looked_up(match.group(1), known), value)
    if isinstance(value, list):
        return [filled(element, known) for element in value]
    if isinstance(value, dict):
        return {key: filled(member, known) for key, member in value.items()}
    return value


def looked_up(path, known):
    value = known
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, File):
        # When the SDK made it is of no interest.
        return {"file": {"name": value.name, "size": value.size, "type": value.type}}
    return {"type": type(value).__name__, **{key: plain(member) for key, member in vars(value).items()}}


def entities(names):
    return None if names is None else [DetectEntities[name] for name in names]


def detect_arguments(op, args):
    for name in ("entities", "redacted_entities", "masked_entities", "plain_text_entities"):
        if name in args:
            args[name] = entities(args[name])
    for name in ("allow_regex", "restrict_regex"):
        if name in args:
            args[name + "_list"] = args.pop(name)
    if "token_format" in args:
        form = args["token_format"]
        lists = {name: entities(names) for name, names in form.items() if name != "default"}
        default = {"default": TokenType[form["default"]]} if "default" in form else {}
        args["token_format"] = TokenFormat(**default, **lists)
    if "transformations" in args:
        shift = args["transformations"]
        shift = DateTransformation(shift["max_days"], shift["min_days"], entities(shift["entities"]))
        args["transformations"] = Transformations(shift)
    if op == "deidentify_file":
        file = io.BytesIO(DETECT_CONTENT)
        file.name = args.pop("file").partition(":")[2]
        args["file"] = FileInput(file=file)
    return args


def call(client, op, args, directory):
    if op in DETECT_REQUESTS:
        return getattr(client.detect(os.environ["VAULT_ID"]), op)(DETECT_REQUESTS[op](**detect_arguments(op, args)))
    vault = client.vault(os.environ["VAULT_ID"])
    if op == "upload_file":
        return vault.upload_file(FileUploadRequest(**file_arguments(args, directory)))
    if "redaction_type" in args:
        args["redaction_type"] = RedactionType[args["redaction_type"]]
    if "token_mode" in args:
        args["token_mode"] = TokenMode[args["token_mode"]]
    for item in args.get("data", []) if op == "detokenize" else []:
        if "redaction_type" in item:
            item["redaction_type"] = RedactionType[item["redaction_type"]]
    return getattr(vault, op)(REQUESTS[op](**args))


def file_arguments(args, directory):
    form, _, name = args.pop("file").partition(":")
    if form == "path":
        args["file_path"] = os.path.join(directory, name)
        with open(args["file_path"], "wb") as file:
            file.write(CONTENT)
    elif form == "base64":
        args["base64"] = base64.b64encode(CONTENT).decode()
    else:
        args["file_object"] = io.BytesIO(CONTENT)
        args["file_object"].name = name
    return args


def outcome(client, step, known, directory):
    try:
        return {"returned": plain(call(client, step["op"], filled(step["args"], known), directory))}
    except SkyflowError as error:
        return {
            "raised": "SkyflowError",
            "message": error.message,
            "http_code": error.http_code,
            "http_status": error.http_status,
            "grpc_code": error.grpc_code,
            "request_id": error.request_id,
            "details": error.details,
        }


def main():
    config = {
        "vault_id": os.environ["VAULT_ID"],
        "cluster_id": os.environ["CLUSTER_ID"],
        "env": Env.PROD,
        "credentials": json.loads(os.environ["CREDENTIALS"]),
    }
    client = Skyflow.builder().set_log_level(LogLevel.OFF).add_vault_config(config).build()
    with open(sys.argv[1], encoding="utf-8") as file:
        steps = json.load(file)
    known = {"sdk": "python", "digit": "1"}
    results = []
    with tempfile.TemporaryDirectory() as directory:
        for step in steps:
            result = outcome(client, step, known, directory)
            known[step["name"]] = result.get("returned")
            results.append(result)
    # The SDK prints lines of its own, so the results are told apart by their place: the last line.
    print()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
