"""Records calls of the official Python SDK, in the form of the traces beside this directory.

Run it with an interpreter that has `skyflow==2.1.3`: it makes the calls of `cases.json` and writes `recorded.jsonl`, one
trace per line. Nothing leaves the process: the HTTP library is given a server in memory.
"""

import base64
import io
import json
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


def default(method, path, query, body):
    parts = path.strip("/").split("/")
    tokens = lambda row, n, wanted: {k: "tok-%s-%d" % (k, n) for k in row["fields"]} if wanted else None
    if path == "/v1/auth/sa/oauth/token":
        return 200, {"accessToken": token(), "tokenType": "Bearer"}
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


class Server:
    def __init__(self, number, overrides):
        self.number, self.requests, self.responses = number, [], []
        self.overrides = [dict(o) for o in overrides]

    def answer(self, request):
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
        vault = config_of(case).vault("vault0001" if "config" not in case else case["config"].get("vault_id", "vault0001"))
        if op == "sequence":
            return {"steps": [outcome(lambda: vault_call(vault, step["op"], step["args"], directory)) for step in args["steps"]]}
        return vault_call(vault, op, args, directory)

    with tempfile.TemporaryDirectory() as directory:
        result = outcome(call)
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
