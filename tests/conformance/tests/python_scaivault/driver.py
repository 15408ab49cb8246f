"""Uses ScaiVault by its documented wire contract, with plain HTTP and no SDK, and prints what came of it as JSON.

The server and the credentials come from the environment: BASE_URL, TOKEN_URL, TOKEN, LIMITED_TOKEN, CLIENT_ID and
CLIENT_SECRET. Every path and name begins with the word in NAME.
"""

import json
import os

import httpx

NAME = os.environ["NAME"]
BASE_URL = os.environ["BASE_URL"]


def client(token):
    return httpx.Client(base_url=BASE_URL, headers={"Authorization": f"Bearer {token}"}, trust_env=False)


def exchanged_token():
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["CLIENT_ID"],
        "client_secret": os.environ["CLIENT_SECRET"],
    }
    response = httpx.post(os.environ["TOKEN_URL"], data=form, trust_env=False)
    response.raise_for_status()
    body = response.json()
    assert body["token_type"] == "Bearer" and body["expires_in"] > 0, body
    return body["access_token"]


def ok(response):
    assert response.is_success, (response.request.method, str(response.request.url), response.status_code)
    return response.json() if response.content else None


def failure(response):
    assert response.status_code >= 400, response.status_code
    error = response.json()["error"]
    assert error["request_id"] == response.headers["X-Request-ID"], error
    return {
        "status": response.status_code,
        "code": error["code"],
        "message": error["message"],
        "details": error.get("details", {}),
    }


def picked(body, *names):
    return {name: body.get(name) for name in names}


def secrets(api, said):
    path = f"{NAME}/db/password"
    url = f"/v1/secrets/{path}"
    write = {"data": {"password": "first", "port": 5432, "nested": {"list": [1, None, "ü"]}}}
    said["write"] = picked(ok(api.put(url, json=write)), "path", "version", "secret_type")
    write = {
        "data": {"password": "second"},
        "secret_type": "json",
        "metadata": {"tags": ["a", "b"], "owner": "team", "custom": {"k": [1, 2.5]}},
        "options": {"max_versions": 5},
    }
    said["write again"] = picked(ok(api.put(url, json=write)), "path", "version", "secret_type", "metadata")
    read = ok(api.get(url))
    said["read"] = picked(read, "path", "version", "secret_type", "data", "metadata", "created_at", "updated_at")
    said["read old"] = picked(ok(api.get(url, params={"version": 1})), "version", "data")
    patch = {"metadata": {"owner": None, "description": "d"}}
    said["metadata"] = picked(ok(api.patch(url, json=patch)), "metadata", "version_count")
    rotate = {"new_value": {"password": "third"}, "reason": "compromise", "grace_period": "1h"}
    said["rotate"] = picked(ok(api.post(f"{url}/rotate", json=rotate)), "path", "old_version", "new_version")
    versions = ok(api.get(f"{url}/versions"))["versions"]
    said["versions"] = [[one["version"], one["is_current"], one["created_by"]] for one in versions]
    for number in range(5):
        ok(api.put(f"/v1/secrets/{NAME}/list/s{number}", json={"data": {"n": number}}))
    paths, pages, cursor = [], 0, None
    while pages == 0 or cursor:
        query = {"prefix": f"{NAME}/list/", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = ok(api.get("/v1/secrets", params=query))
        assert page["has_more"] == (page["cursor"] is not None)
        paths += [item["path"] for item in page["data"]]
        pages, cursor = pages + 1, page["cursor"]
    said["list"] = {"paths": paths, "pages": pages}
    batch = {"paths": [path, f"{NAME}/none"], "options": {"include_metadata": True}}
    batch = ok(api.post("/v1/secrets/batch", json=batch))
    said["batch"] = {
        "secrets": {at: picked(one, "version", "data", "secret_type") for at, one in batch["secrets"].items()},
        "errors": batch["errors"],
    }


def policies(api, said):
    rule = {
        "path_pattern": f"{NAME}/**",
        "permissions": ["read", "list"],
        "conditions": {"ip_ranges": ["10.0.0.0/8"], "require_mfa": True},
    }
    created = ok(api.post("/v1/policies", json={"name": f"{NAME}-read", "rules": [rule], "description": "d"}))
    said["policy"] = picked(created, "name", "description", "rules", "scope", "is_active")
    group = {"identity_type": "group", "identity_id": f"group:{NAME}"}
    bound = ok(api.post(f"/v1/policies/{created['id']}/bindings", json=group))
    said["binding"] = picked(bound, "identity_type", "identity_id", "expires_at")
    said["decisions"] = []
    for ip, mfa, permission in [("10.1.2.3", True, "read"), ("10.1.2.3", False, "read"), ("10.1.2.3", True, "write")]:
        test = {
            "identity_id": f"group:{NAME}",
            "path": f"{NAME}/db/password",
            "permission": permission,
            "context": {"source_ip": ip, "mfa_verified": mfa},
        }
        said["decisions"].append(ok(api.post("/v1/policies/test", json=test))["allowed"])
    said["policy in use"] = failure(api.delete(f"/v1/policies/{created['id']}"))
    api.delete(f"/v1/policies/{created['id']}", params={"force": "true"}).raise_for_status()


def certificates(api, said):
    root = {"name": f"{NAME}-root", "common_name": "Root", "ca_type": "root", "key_type": "ec", "key_size": 256}
    root = ok(api.post("/v1/pki/ca", json=root))
    said["ca"] = picked(root, "name", "common_name", "ca_type", "key_type", "key_size", "is_active")
    role = {"name": NAME, "ca_id": root["id"], "allowed_domains": ["svc.example"], "key_type": "ec"}
    ok(api.post("/v1/pki/roles", json=role))
    issued = ok(api.post(f"/v1/pki/issue/{NAME}", json={"common_name": "svc.example", "ttl": "24h"}))
    kept = ok(api.get(f"/v1/pki/certificates/{issued['id']}"))
    said["certificate"] = picked(kept, "common_name", "alt_names", "role", "revoked") | {
        "has_key": "PRIVATE KEY" in issued["private_key"],
        "chain": len(issued["ca_chain"]),
        "not_after": issued["not_after"] == kept["not_after"],
        "serial": issued["serial_number"] == kept["serial_number"],
    }
    check = {"certificate_pem": issued["certificate"], "check_revocation": True}
    said["valid"] = picked(ok(api.post("/v1/pki/certificates/validate", json=check)), "valid", "errors")
    ok(api.post(f"/v1/pki/certificates/{issued['id']}/revoke", json={"reason": "superseded"}))
    said["revoked"] = picked(ok(api.post("/v1/pki/certificates/validate", json=check)), "valid", "errors")
    said["foreign name"] = failure(api.post(f"/v1/pki/issue/{NAME}", json={"common_name": "other.example"}))


def credentials(api, said):
    config = {"connection_url": "postgres://{{username}}:{{password}}@db.example/x"}
    engine = {"name": NAME, "type": "database", "config": config, "max_ttl": "2h"}
    said["engine"] = picked(ok(api.post("/v1/dynamic/engines", json=engine)), "name", "type", "max_ttl")
    ok(api.post(f"/v1/dynamic/engines/{NAME}/roles", json={"name": "readonly"}))
    lease = ok(api.post(f"/v1/dynamic/engines/{NAME}/creds/readonly", json={"ttl": "24h"}))
    data = lease["data"]
    said["lease"] = picked(lease, "engine", "role", "ttl_seconds", "renewable", "status") | {
        "members": sorted(data),
        "url": data["connection_url"] == f"postgres://{data['username']}:{data['password']}@db.example/x",
    }
    url = f"/v1/dynamic/leases/{lease['lease_id']}"
    api.post(f"{url}/revoke").raise_for_status()
    said["revoked lease"] = ok(api.get(url))["status"]
    said["revoked twice"] = failure(api.post(f"{url}/revoke"))


def errors(api, said):
    path = f"{NAME}/errors"
    url = f"/v1/secrets/{path}"
    said["no secret"] = failure(api.get(url))
    ok(api.put(url, json={"data": {"a": "b"}}))
    said["no version"] = failure(api.get(url, params={"version": 9}))
    said["no new value"] = failure(api.post(f"{url}/rotate"))
    deleted = ok(api.delete(url))
    said["deleted"] = picked(deleted, "path", "permanent") | {"recoverable": deleted["recoverable_until"] is not None}
    said["exists"] = failure(api.put(url, json={"data": {"a": "b"}}))
    said["undeleted"] = picked(ok(api.post(f"{url}/undelete")), "path", "version", "version_count")
    said["cursor"] = failure(api.get("/v1/secrets", params={"cursor": "nonsense"}))
    said["no policy"] = failure(api.get("/v1/policies/pol_none"))
    with client("skt_unknown") as stranger:
        said["token"] = failure(stranger.get("/v1/auth/whoami"))
    with client(os.environ["LIMITED_TOKEN"]) as limited:
        said["scope"] = failure(limited.get("/v1/policies"))
        said["policy missing"] = failure(limited.get(url))


def main():
    said = {}
    with client(exchanged_token()) as api:
        said["whoami"] = picked(ok(api.get("/v1/auth/whoami")), "identity_id", "tenant_id", "scopes")
    with client(os.environ["TOKEN"]) as api:
        for part in (secrets, policies, certificates, credentials, errors):
            part(api, said)
    print(json.dumps(said))


main()
