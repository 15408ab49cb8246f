"""Records calls of the official Python SDK, in the form of the traces beside this directory.

Run it with an interpreter that has `skyflow==2.1.3`: it makes the calls of `cases.json` and writes `recorded.jsonl`, one
trace per line. Nothing leaves the process: the HTTP library is given a server in memory.
"""

import base64
import io
import json
import mimetypes
import os
import sys
import tempfile
import time
from urllib.parse import parse_qs

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
CREDENTIALS = {
    "clientID": "svc-client-0001",
    "clientName": "peerlab",
    "keyID": "key-0001",
    "tokenURI": "https://peerlab-manage.skyflowapis.com/v1/auth/sa/oauth/token",
    "privateKey": PEM,
}
API_KEY = "sky-abcde-0123456789abcdef0123456789abcdef"
NOTE = b"Jane Doe, SSN 123-45-6789\n"


def token(life=3600):
    return jwt.encode({"iss": "peerlab", "sub": "svc", "exp": int(time.time()) + life}, "x" * 32, algorithm="HS256")


def shown_token(text):
    scheme, _, value = text.partition(" ")
    if not value:
        scheme, value = None, text
    try:
        claims = jwt.decode(value, options={"verify_signature": False})
        claims["exp"] = "now+%d" % round(claims["exp"] - time.time(), -1)
        return {"scheme": scheme, "kind": "jwt", "claims": claims}
    except Exception:
        kind = "api_key" if value.startswith("sky-") else "opaque"
        return {"scheme": scheme, "kind": kind, "claims": None}


def relative(claims):
    now = time.time()
    return {k: "now+%d" % round(v - now, -1) if k in ("exp", "iat") else v for k, v in claims.items()}


def shown_body(request, content):
    kind = request.headers.get("content-type", "")
    if not content:
        return {"kind": "empty"}
    if kind.startswith("multipart/form-data"):
        boundary = kind.split("boundary=")[1].encode()
        parts = []
        for chunk in content.split(b"--" + boundary)[1:-1]:
            head, _, body = chunk[2:-2].partition(b"\r\n\r\n")
            headers = head.decode().split("\r\n")
            fields = headers[0]
            name = fields.split('name="')[1].split('"')[0]
            filename = fields.split('filename="')[1].rsplit('"', 1)[0] if 'filename="' in fields else None
            content_ = {"len": len(body)}
            try:
                content_["text"] = body.decode()
            except UnicodeDecodeError:
                content_["base64_prefix"] = base64.b64encode(body).decode()
            parts.append({"name": name, "filename": filename, "headers": headers, "content": content_})
        return {"kind": "multipart", "parts": parts}
    value = json.loads(content)
    if isinstance(value, dict) and "assertion" in value:
        value["assertion"] = {
            "jwt_header": jwt.get_unverified_header(value["assertion"]),
            "jwt_claims": relative(jwt.decode(value["assertion"], options={"verify_signature": False})),
            "rs256_verified": True,
        }
    return {"kind": "json", "len": len(content), "value": value}


def identifier(number):
    return "00000000-0000-4000-8000-%012d" % number


def rows(count, ids=None):
    return {
        "records": [
            {"fields": {"skyflow_id": ids[n] if ids else identifier(n), "name": "Jane Doe", "age": 41}, "tokens": None}
            for n in range(count)
        ]
    }


TEXT = {
    "processed_text": "My name is [NAME_1] and my SSN is [SSN_1].",
    "entities": [
        {"token": "NAME_1", "value": "Jane Doe", "entity_type": "NAME", "entity_scores": {"NAME": 0.9823, "NAME_GIVEN": 0.51},
         "location": {"start_index": 11, "end_index": 19, "start_index_processed": 11, "end_index_processed": 19}},
        {"token": "SSN_1", "value": "123-45-6789", "entity_type": "SSN", "entity_scores": {"SSN": 0.9411},
         "location": {"start_index": 34, "end_index": 45, "start_index_processed": 34, "end_index_processed": 41}},
    ],
    "word_count": 9, "character_count": 46,
}
RUN = {
    "status": "SUCCESS", "outputType": "BASE64", "message": "",
    "output": [
        {"processedFile": "cmVkYWN0ZWQgY29udGVudA==", "processedFileType": "redacted_file", "processedFileExtension": "txt"},
        {"processedFile": "W3siZW50aXR5IjoiTkFNRSJ9XQ==", "processedFileType": "entities", "processedFileExtension": "json"},
    ],
    "size": 0.05, "wordCharacterCount": {"wordCount": 2, "characterCount": 16}, "duration": 0, "pages": 0, "slides": 0,
}


def detect(method, parts):
    if method == "GET" and parts[2:3] == ["runs"] and len(parts) == 4:
        return 200, RUN
    if parts[2:] == ["deidentify", "string"]:
        return 200, TEXT
    if parts[2:] == ["reidentify", "string"]:
        return 200, {"text": "My name is Jane Doe and my SSN is 123-45-6789."}
    if parts[2:4] == ["deidentify", "file"]:
        return 200, {"run_id": "run-0001"}
    return None


def default(method, path, query, body):
    parts = path.strip("/").split("/")
    tokens = lambda row, n, wanted: {k: "tok-%s-%d" % (k, n) for k in row["fields"]} if wanted else None
    if path == "/v1/auth/sa/oauth/token":
        return 200, {"accessToken": token(), "tokenType": "Bearer"}
    if parts[:2] == ["v1", "detect"] and detect(method, parts):
        return detect(method, parts)
    if method == "POST" and parts[:2] == ["v1", "vaults"] and len(parts) == 3:
        entries = [
            {"Body": {"records": [{"skyflow_id": identifier(n), "tokens": tokens(r, n, r["tokenization"])}]}, "Status": 200}
            for n, r in enumerate(body["records"])
        ]
        return 200, {"vaultID": parts[2], "responses": entries}
    if method == "POST" and parts[:2] == ["v1", "vaults"] and len(parts) == 4:
        if parts[3] == "query":
            return 200, rows(2)
        if parts[3] == "detokenize":
            records = [
                {"token": p["token"], "valueType": "STRING", "value": "4111111111111111", "error": None}
                for p in body["detokenizationParameters"]
            ]
            return 200, {"records": records}
        if parts[3] == "tokenize":
            return 200, {"records": [{"token": "tok-%d" % n} for n, _ in enumerate(body["tokenizationParameters"])]}
        records = [
            {"skyflow_id": identifier(n), "tokens": tokens(r, n, body["tokenization"])}
            for n, r in enumerate(body["records"])
        ]
        return 200, {"records": records}
    if method == "GET" and len(parts) == 4:
        wanted = parse_qs(query, keep_blank_values=True)
        ids = wanted.get("skyflow_ids")
        return 200, rows(len(ids or wanted.get("column_values") or [1]), ids)
    if method == "PUT" and len(parts) == 5:
        wanted = tokens(body["record"], 0, body["tokenization"])
        return 200, {"skyflow_id": httpx.URL("https://x/" + parts[4]).path[1:], "tokens": wanted}
    if method == "DELETE" and len(parts) == 4:
        return 200, {"RecordIDResponse": body["skyflow_ids"]}
    if path.startswith("/v2/"):
        return 200, {"skyflowID": identifier(7), "fileMetadata": None}
    error = {"grpc_code": 5, "http_code": 404, "http_status": "Not Found", "message": "no route for %s %s" % (method, path), "details": []}
    return 404, {"error": error}


# The SDK asks without a pause, and without an end, for a run whose status it does not know.
MOST_REQUESTS = 60


class Server:
    def __init__(self, number, overrides):
        self.number, self.requests, self.responses = number, [], []
        self.overrides = [dict(o) for o in overrides]

    def answer(self, request):
        if len(self.requests) >= MOST_REQUESTS:
            print("case %d asks without an end" % self.number, file=sys.stderr)
            os._exit(1)
        content = request.read()
        raw_path, _, query = request.url.raw_path.decode().partition("?")
        headers = {k: v for k, v in request.headers.items()}
        if "authorization" in headers:
            headers["authorization"] = shown_token(headers["authorization"])
        self.requests.append({
            "method": request.method, "path": raw_path, "query": query, "http_version": "HTTP/1.1",
            "tls": request.url.scheme == "https", "connection": 0, "headers": headers,
            "body": shown_body(request, content),
        })
        reply_headers = {"content-type": "application/json", "x-request-id": "req-%04d-%02d" % (self.number, len(self.requests))}
        for told in self.overrides:
            if told.get("times", 1) > 0 and told.get("path", "") in raw_path:
                if "times" in told:
                    told["times"] -= 1
                for name, value in told.get("headers", {}).items():
                    reply_headers.pop(name, None)
                    if value is not None:
                        reply_headers[name] = value
                status = told["status"]
                text = told["text"] if "text" in told else json.dumps(told["json"], ensure_ascii=False)
                body = told["text"] if "text" in told else told["json"]
                break
        else:
            body_in = json.loads(content) if content and "json" in request.headers.get("content-type", "") else None
            status, body = default(request.method, raw_path, query, body_in)
            text = json.dumps(body, ensure_ascii=False)
        shown = body
        if isinstance(body, dict) and isinstance(body.get("accessToken"), str):
            shown = dict(body, accessToken=shown_token(body["accessToken"]))
        self.responses.append({"status": status, "headers": dict(reply_headers), "body": shown})
        return httpx.Response(status, headers=reply_headers, content=text.encode(), request=request)


def plain(value):
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, io.BytesIO):
        kind = mimetypes.guess_type(value.name)[0] or ""
        return {"name": value.name, "size": len(value.getvalue()), "type": kind}
    if type(value).__name__ == "File":
        return {"file": plain(value.file)}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return {"type": type(value).__name__, **{k: plain(v) for k, v in vars(value).items() if not k.startswith("_")}}


def outcome(call):
    from skyflow.error import SkyflowError
    try:
        return {"returned": plain(call())}
    except SkyflowError as e:
        return {"raised": "SkyflowError", "message": e.message, "http_code": plain(e.http_code), "http_status": e.http_status,
                "grpc_code": e.grpc_code, "request_id": e.request_id, "details": e.details}
    except Exception as e:
        return {"raised": type(e).__module__ + "." + type(e).__name__, "message": str(e)}


def named(enum, value):
    return enum[value] if isinstance(value, str) and value in enum.__members__ else value


def vault_call(vault, op, args, directory):
    from skyflow.utils.enums import RedactionType, TokenMode
    from skyflow.vault.data import (DeleteRequest, FileUploadRequest, GetRequest, InsertRequest, QueryRequest, UpdateRequest)
    from skyflow.vault.tokens import DetokenizeRequest, TokenizeRequest
    args = json.loads(json.dumps(args))
    if "redaction_type" in args:
        args["redaction_type"] = named(RedactionType, args["redaction_type"])
    if "token_mode" in args:
        args["token_mode"] = named(TokenMode, args["token_mode"])
    if op == "detokenize":
        for item in args["data"] if isinstance(args.get("data"), list) else []:
            for key in ("redaction_type", "redaction"):
                if isinstance(item, dict) and key in item:
                    item[key] = named(RedactionType, item[key])
    if op == "upload_file":
        form, _, name = args.pop("file").partition(":") if "file" in args else ("", "", "")
        path = os.path.join(directory, name)
        if form == "path":
            if "not-exist" not in name:
                with open(path, "wb") as file:
                    file.write(NOTE)
            args["file_path"] = path
        elif form == "base64":
            args["base64"] = base64.b64encode(NOTE).decode()
        elif form == "rawbase64":
            args["base64"] = name
        elif form in ("object", "nameless"):
            args["file_object"] = io.BytesIO(NOTE)
            if form == "object":
                args["file_object"].name = name
        return vault.upload_file(FileUploadRequest(**args))
    request = {"insert": InsertRequest, "get": GetRequest, "update": UpdateRequest, "delete": DeleteRequest, "query": QueryRequest,
               "detokenize": DetokenizeRequest, "tokenize": TokenizeRequest}[op]
    return getattr(vault, op)(request(**args))


def detect_call(api, op, args, directory):
    from skyflow.utils.enums import DetectEntities, DetectOutputTranscriptions, MaskingMethod, TokenType
    from skyflow.vault.detect import (Bleep, DateTransformation, DeidentifyFileRequest, DeidentifyTextRequest, FileInput,
                                      GetDetectRunRequest, ReidentifyTextRequest, TokenFormat, Transformations)
    args = json.loads(json.dumps(args))
    entities = lambda names: [named(DetectEntities, n) for n in names] if isinstance(names, list) else names
    if op == "get_detect_run":
        return api.get_detect_run(GetDetectRunRequest(**args))
    for name in ("entities", "redacted_entities", "masked_entities", "plain_text_entities"):
        if name in args:
            args[name] = entities(args[name])
    if op == "reidentify_text":
        return api.reidentify_text(ReidentifyTextRequest(**args))
    for name in ("allow_regex", "restrict_regex"):
        if name in args:
            args[name + "_list"] = args.pop(name)
    if isinstance(args.get("token_format"), dict):
        given = {k: named(TokenType, v) if k == "default" else entities(v) for k, v in args["token_format"].items()}
        args["token_format"] = TokenFormat(**given)
    if isinstance(args.get("transformations"), dict):
        given = args["transformations"]
        args["transformations"] = Transformations(DateTransformation(
            given.get("max_days"), given.get("min_days"), entities(given.get("entities"))))
    if op == "deidentify_text":
        return api.deidentify_text(DeidentifyTextRequest(**args))
    if "masking_method" in args:
        args["masking_method"] = named(MaskingMethod, args["masking_method"])
    if "output_transcription" in args:
        args["output_transcription"] = named(DetectOutputTranscriptions, args["output_transcription"])
    if isinstance(args.get("bleep"), dict):
        args["bleep"] = Bleep(**args["bleep"])
    if args.get("file"):
        form, _, name = args["file"].partition(":")
        # A dot in a directory: what follows it is no extension of the file.
        path = os.path.join(directory, "in.put", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if "not-exist" not in name:
            with open(path, "wb") as file:
                file.write(b"" if name.startswith("empty") else NOTE)
        args["file"] = FileInput(file=open(path, "rb")) if form == "object" else FileInput(file_path=path)
    output = args.get("output_directory")
    if output is True or isinstance(output, str):
        output = os.path.join(directory, "output" if output is True else output)
        if args["output_directory"] is True:
            os.mkdir(output)
        args["output_directory"] = output
        response = api.deidentify_file(DeidentifyFileRequest(**args))
        return {"response": response, "files_written": sorted(os.listdir(output))}
    return api.deidentify_file(DeidentifyFileRequest(**args))


DETECT = ("deidentify_text", "reidentify_text", "deidentify_file", "get_detect_run")


def credentials_string(case):
    document = dict(CREDENTIALS)
    how = case.get("credentials", {}).get("mutate")
    if how == "upside_down":
        document["privateKey"] = "not a key"
    elif how:
        del document[how[3:]]
    return json.dumps(document)


def config_of(case):
    from skyflow import Env, LogLevel, Skyflow
    config = {"vault_id": "vault0001", "cluster_id": "peerlab", "env": "PROD"}
    config.update(case.get("config", {}))
    if config["env"] is None:
        del config["env"]
    else:
        config["env"] = named(Env, config["env"])
    given = case.get("credentials", {"kind": "api_key"})
    credentials = {k: v for k, v in given.items() if k not in ("kind", "mutate", "value")}
    if given["kind"] == "api_key":
        credentials["api_key"] = API_KEY
    elif given["kind"] == "string":
        credentials["credentials_string"] = credentials_string(case)
    elif given["kind"] == "token":
        credentials["token"] = given.get("value", token())
    builder = Skyflow.builder().set_log_level(LogLevel.OFF)
    if given["kind"] != "none":
        config["credentials"] = credentials
    return builder.add_vault_config(config).build()


def record(number, case):
    server = Server(number, case.get("overrides", []))
    # Nobody waits for a server in memory.
    time.sleep = lambda seconds: None
    httpx.HTTPTransport.handle_request = lambda self, request: server.answer(request)
    op, args = case["op"], case["args"]

    def call():
        from skyflow.service_account import generate_bearer_token_from_creds, generate_signed_data_tokens_from_creds
        if op == "bearer_token":
            kind = generate_bearer_token_from_creds(credentials_string(case), dict(args))
            return {"returned": ["<jwt>" if kind[0] and kind[0].count(".") == 2 else kind[0], kind[1]]}
        if op == "signed_data_tokens":
            signed = generate_signed_data_tokens_from_creds(json.dumps(CREDENTIALS), dict(args))
            return {"signed": [{
                "token": t, "prefix": s[:13], "jwt_header": jwt.get_unverified_header(s[13:]),
                "jwt_claims": relative(jwt.decode(s[13:], options={"verify_signature": False, "verify_exp": False})),
            } for t, s in signed]}
        client = config_of(case)
        vault_id = case.get("config", {}).get("vault_id", "vault0001")
        if op in DETECT:
            return detect_call(client.detect(vault_id), op, args, directory)
        vault = client.vault(vault_id)
        if op == "sequence":
            return {"steps": [outcome(lambda: vault_call(vault, step["op"], step["args"], directory)) for step in args["steps"]]}
        return vault_call(vault, op, args, directory)

    with tempfile.TemporaryDirectory() as directory:
        # The machine that records is nobody's business.
        result = json.loads(json.dumps(outcome(call)).replace(directory, "/recording"))
    inputs = {k: v for k, v in case.items() if k != "case"}
    return {"case": case["case"], "sdk": "python", "version": "2.1.3", "input": inputs,
            "requests": server.requests, "responses": server.responses, "result": result}


def main():
    with open(os.path.join(HERE, "cases.json")) as file:
        cases = json.load(file)
    lines = []
    for number, case in enumerate(cases, start=1):
        trace = record(number, case)
        for request in trace["requests"]:
            # The machine that records is nobody's business.
            if "sky-metadata" in request["headers"]:
                request["headers"]["sky-metadata"] = json.dumps({
                    "sdk_name_version": "skyflow-python@2.1.3", "sdk_client_device_model": "vm",
                    "sdk_client_os_details": "linux", "sdk_runtime_details": "Python"})
        lines.append(json.dumps(trace, ensure_ascii=False) + "\n")
    with open(os.path.join(HERE, "recorded.jsonl"), "w") as file:
        file.writelines(lines)
    print(len(cases), "recorded", file=sys.stderr)


if __name__ == "__main__":
    main()
