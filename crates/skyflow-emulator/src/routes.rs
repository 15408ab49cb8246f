//! Which request is which operation.

mod unsupported;

use http::Method;
use percent_encoding::percent_decode_str;

pub(crate) use unsupported::Unsupported;

/// An operation of the vault, named as in Skyflow's API description.
///
/// The methods of a client may use other operations than their names suggest: the SDK's `get` is
/// [`Operation::RecordsList`], its `delete` is [`Operation::RecordsBulkDelete`], and an insert that continues on errors
/// is [`Operation::RecordsBatch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `POST /v1/auth/sa/oauth/token`
    AuthenticationGetToken,
    /// `POST /v1/auth/sts/token`
    AuthenticationExchangeToken,
    /// `GET /v1/sts/config`
    TokenExchangeListConfigs,
    /// `POST /v1/sts/config`
    TokenExchangeCreateConfig,
    /// `GET /v1/sts/config/{id}`
    TokenExchangeGetConfig,
    /// `POST /v1/sts/config/{id}`
    TokenExchangeUpdateConfig,
    /// `DELETE /v1/sts/config/{id}`
    TokenExchangeDeleteConfig,
    /// `POST /v1/vaults/{vault_id}`
    RecordsBatch,
    /// `GET /v1/vaults/{vault_id}/{table_name}`
    RecordsList,
    /// `POST /v1/vaults/{vault_id}/{table_name}`
    RecordsInsert,
    /// `DELETE /v1/vaults/{vault_id}/{table_name}`
    RecordsBulkDelete,
    /// `GET /v1/vaults/{vault_id}/{table_name}/{id}`
    RecordsGet,
    /// `PUT /v1/vaults/{vault_id}/{table_name}/{id}`
    RecordsUpdate,
    /// `DELETE /v1/vaults/{vault_id}/{table_name}/{id}`
    RecordsDelete,
    /// `POST /v1/vaults/{vault_id}/detokenize`
    TokensDetokenize,
    /// `POST /v1/vaults/{vault_id}/tokenize`
    TokensTokenize,
    /// `POST /v1/vaults/{vault_id}/query`
    QueryExecute,
    /// `POST /v1/vaults/{vault_id}/{table_name}/{id}/files`
    RecordsUploadFile,
    /// `POST /v2/vaults/{vault_id}/files/upload`
    RecordsUploadFileV2,
    /// `POST /v2/vaults/{vault_id}/files/uploadStatus`
    RecordsGetFilesUploadStatus,
    /// `DELETE /v1/vaults/{vault_id}/{table_name}/{id}/files/{column_name}`
    RecordsDeleteFile,
    /// `GET /v1/vaults/{vault_id}/{table_name}/{id}/files/{column_name}/scan-status`
    RecordsGetFileScanStatus,
    /// `POST /v1/card_lookup`
    BinLookupListCards,
    /// `GET /v1/audit/events`
    AuditListEvents,
    /// `POST /v1/detect/deidentify/string`
    StringsDeidentify,
    /// `POST /v1/detect/reidentify/string`
    StringsReidentify,
    /// `POST /v1/detect/guardrails`
    GuardrailsCheck,
    /// `POST /v1/detect/deidentify/file`
    FilesDeidentify,
    /// `POST /v1/detect/deidentify/file/text`
    FilesDeidentifyText,
    /// `POST /v1/detect/deidentify/file/audio`
    FilesDeidentifyAudio,
    /// `POST /v1/detect/deidentify/file/document`
    FilesDeidentifyDocument,
    /// `POST /v1/detect/deidentify/file/document/pdf`
    FilesDeidentifyPdf,
    /// `POST /v1/detect/deidentify/file/image`
    FilesDeidentifyImage,
    /// `POST /v1/detect/deidentify/file/presentation`
    FilesDeidentifyPresentation,
    /// `POST /v1/detect/deidentify/file/spreadsheet`
    FilesDeidentifySpreadsheet,
    /// `POST /v1/detect/deidentify/file/structured_text`
    FilesDeidentifyStructuredText,
    /// `POST /v1/detect/reidentify/file`
    FilesReidentify,
    /// `GET /v1/detect/runs/{run_id}`
    FilesGetRun,
    /// `POST /v1/detect/configurations`
    DetectConfigurationsCreate,
    /// `GET /v1/detect/configurations`
    DetectConfigurationsList,
    /// `GET /v1/detect/configurations/{configuration_id}`
    DetectConfigurationsGet,
    /// `PUT /v1/detect/configurations/{configuration_id}`
    DetectConfigurationsUpdate,
    /// `DELETE /v1/detect/configurations/{configuration_id}`
    DetectConfigurationsDelete,
    /// `POST /v2/detect/deidentify/string`
    DetectV2DeidentifyString,
    /// `POST /v2/detect/reidentify/string`
    DetectV2ReidentifyString,
    /// `POST /v2/detect/guardrails`
    DetectV2CheckGuardrails,
    /// `POST /v2/detect/deidentify/file`
    DetectV2DeidentifyFile,
    /// `POST /v2/detect/reidentify/file`
    DetectV2ReidentifyFile,
    /// `GET /v2/detect/runs/{run_id}`
    DetectV2GetRun,
    /// `GET /_emulator/files/{key}`: where the emulator's download links lead.
    EmulatorDownloadFile,
    /// Any method on `/v1/gateway/outboundRoutes/{connection_id}/{route}`.
    ConnectionsInvokeOutbound,
    /// Any method on `/v1/gateway/inboundRoutes/{connection_id}/{route}`.
    ConnectionsInvokeInbound,
}

struct Route {
    method: Method,
    template: &'static str,
    operation: Operation,
    name: &'static str,
}

const fn route(operation: Operation, name: &'static str, method: Method, template: &'static str) -> Route {
    Route { method, template, operation, name }
}

/// All of Detect but the question for a run.
const fn detect(operation: Operation, name: &'static str, template: &'static str) -> Route {
    route(operation, name, Method::POST, template)
}

/// What the paths that steer the emulator start with. Pages in a browser are kept from them; download links are none.
pub(crate) const CONTROL: &str = "/_emulator/control";

const CONFIGS: &str = "/v1/sts/config";
const CONFIG: &str = "/v1/sts/config/{id}";

const TABLE: &str = "/v1/vaults/{vault_id}/{table_name}";
const RECORD: &str = "/v1/vaults/{vault_id}/{table_name}/{id}";

const CONFIGURATIONS: &str = "/v1/detect/configurations";
const CONFIGURATION: &str = "/v1/detect/configurations/{configuration_id}";

const OUTBOUND: &str = "/v1/gateway/outboundRoutes/{connection_id}/{route}";
const INBOUND: &str = "/v1/gateway/inboundRoutes/{connection_id}/{route}";

/// The first template that fits wins, so literal segments come before parameters.
const ROUTES: &[Route] = {
    use Operation as O;
    &[
        route(O::AuthenticationGetToken, "authentication_get_token", Method::POST, "/v1/auth/sa/oauth/token"),
        route(O::AuthenticationExchangeToken, "token_exchange_get_token", Method::POST, "/v1/auth/sts/token"),
        route(O::TokenExchangeListConfigs, "token_exchange_list_configs", Method::GET, CONFIGS),
        route(O::TokenExchangeCreateConfig, "token_exchange_create_config", Method::POST, CONFIGS),
        route(O::TokenExchangeGetConfig, "token_exchange_get_config", Method::GET, CONFIG),
        route(O::TokenExchangeUpdateConfig, "token_exchange_update_config", Method::POST, CONFIG),
        route(O::TokenExchangeDeleteConfig, "token_exchange_delete_config", Method::DELETE, CONFIG),
        route(O::RecordsBatch, "records_batch", Method::POST, "/v1/vaults/{vault_id}"),
        route(O::TokensDetokenize, "tokens_detokenize", Method::POST, "/v1/vaults/{vault_id}/detokenize"),
        route(O::TokensTokenize, "tokens_tokenize", Method::POST, "/v1/vaults/{vault_id}/tokenize"),
        route(O::QueryExecute, "query_execute", Method::POST, "/v1/vaults/{vault_id}/query"),
        route(O::RecordsList, "records_list", Method::GET, TABLE),
        route(O::RecordsInsert, "records_insert", Method::POST, TABLE),
        route(O::RecordsBulkDelete, "records_bulk_delete", Method::DELETE, TABLE),
        route(O::RecordsGet, "records_get", Method::GET, RECORD),
        route(O::RecordsUpdate, "records_update", Method::PUT, RECORD),
        route(O::RecordsDelete, "records_delete", Method::DELETE, RECORD),
        route(
            O::RecordsUploadFile,
            "records_upload_file",
            Method::POST,
            "/v1/vaults/{vault_id}/{table_name}/{id}/files",
        ),
        route(
            O::RecordsUploadFileV2,
            "records_upload_file_v2",
            Method::POST,
            "/v2/vaults/{vault_id}/files/upload",
        ),
        route(
            O::RecordsGetFilesUploadStatus,
            "records_get_files_upload_status",
            Method::POST,
            "/v2/vaults/{vault_id}/files/uploadStatus",
        ),
        route(
            O::RecordsDeleteFile,
            "records_delete_file",
            Method::DELETE,
            "/v1/vaults/{vault_id}/{table_name}/{id}/files/{column_name}",
        ),
        route(
            O::RecordsGetFileScanStatus,
            "records_get_file_scan_status",
            Method::GET,
            "/v1/vaults/{vault_id}/{table_name}/{id}/files/{column_name}/scan-status",
        ),
        route(O::BinLookupListCards, "bin_lookup_list_cards", Method::POST, "/v1/card_lookup"),
        route(O::AuditListEvents, "audit_list_events", Method::GET, "/v1/audit/events"),
        detect(O::StringsDeidentify, "strings_deidentify", "/v1/detect/deidentify/string"),
        detect(O::StringsReidentify, "strings_reidentify", "/v1/detect/reidentify/string"),
        detect(O::GuardrailsCheck, "guardrails_check", "/v1/detect/guardrails"),
        detect(O::FilesDeidentify, "files_deidentify", "/v1/detect/deidentify/file"),
        detect(O::FilesDeidentifyText, "files_deidentify_text", "/v1/detect/deidentify/file/text"),
        detect(O::FilesDeidentifyAudio, "files_deidentify_audio", "/v1/detect/deidentify/file/audio"),
        detect(
            O::FilesDeidentifyDocument,
            "files_deidentify_document",
            "/v1/detect/deidentify/file/document",
        ),
        detect(O::FilesDeidentifyPdf, "files_deidentify_pdf", "/v1/detect/deidentify/file/document/pdf"),
        detect(O::FilesDeidentifyImage, "files_deidentify_image", "/v1/detect/deidentify/file/image"),
        detect(
            O::FilesDeidentifyPresentation,
            "files_deidentify_presentation",
            "/v1/detect/deidentify/file/presentation",
        ),
        detect(
            O::FilesDeidentifySpreadsheet,
            "files_deidentify_spreadsheet",
            "/v1/detect/deidentify/file/spreadsheet",
        ),
        detect(
            O::FilesDeidentifyStructuredText,
            "files_deidentify_structured_text",
            "/v1/detect/deidentify/file/structured_text",
        ),
        detect(O::FilesReidentify, "files_reidentify", "/v1/detect/reidentify/file"),
        route(O::FilesGetRun, "files_get_run", Method::GET, "/v1/detect/runs/{run_id}"),
        detect(O::DetectConfigurationsCreate, "detect_configurations_create", CONFIGURATIONS),
        route(O::DetectConfigurationsList, "detect_configurations_list", Method::GET, CONFIGURATIONS),
        route(O::DetectConfigurationsGet, "detect_configurations_get", Method::GET, CONFIGURATION),
        route(O::DetectConfigurationsUpdate, "detect_configurations_update", Method::PUT, CONFIGURATION),
        route(O::DetectConfigurationsDelete, "detect_configurations_delete", Method::DELETE, CONFIGURATION),
        detect(O::DetectV2DeidentifyString, "detect_v2_deidentify_string", "/v2/detect/deidentify/string"),
        detect(O::DetectV2ReidentifyString, "detect_v2_reidentify_string", "/v2/detect/reidentify/string"),
        detect(O::DetectV2CheckGuardrails, "detect_v2_check_guardrails", "/v2/detect/guardrails"),
        detect(O::DetectV2DeidentifyFile, "detect_v2_deidentify_file", "/v2/detect/deidentify/file"),
        detect(O::DetectV2ReidentifyFile, "detect_v2_reidentify_file", "/v2/detect/reidentify/file"),
        route(O::DetectV2GetRun, "detect_v2_get_run", Method::GET, "/v2/detect/runs/{run_id}"),
        route(O::EmulatorDownloadFile, "emulator_download_file", Method::GET, "/_emulator/files/{key}"),
        // Found by `connection` before, whatever the method and the length of the path.
        route(O::ConnectionsInvokeOutbound, "connections_invoke_outbound", Method::POST, OUTBOUND),
        route(O::ConnectionsInvokeInbound, "connections_invoke_inbound", Method::POST, INBOUND),
    ]
};

/// The name, for a [`Fault::operation`](crate::Fault::operation).
impl From<Operation> for &'static str {
    fn from(operation: Operation) -> Self {
        operation.name()
    }
}

impl Operation {
    /// Returns the operation's id in the API description, such as `records_insert`.
    pub fn name(self) -> &'static str {
        self.route().map_or("", |route| route.name)
    }

    /// Returns the path with parameter names instead of values.
    pub fn path_template(self) -> &'static str {
        self.route().map_or("", |route| route.template)
    }

    fn route(self) -> Option<&'static Route> {
        ROUTES.iter().find(|route| route.operation == self)
    }

    pub(crate) fn is_connection(self) -> bool {
        matches!(self, Self::ConnectionsInvokeOutbound | Self::ConnectionsInvokeInbound)
    }

    /// Tells whether the path names the vault.
    pub(crate) fn is_in_vault(self) -> bool {
        self.path_template().contains("/{vault_id}")
    }
}

/// What a method and a path mean.
#[derive(Debug, PartialEq)]
pub(crate) enum Target {
    Operation(Operation, Parameters),
    /// A published operation that the vault does not have.
    Unsupported(&'static Unsupported),
    /// The path is known, but not with this method.
    OtherMethod,
    Unknown,
}

/// The decoded path parameters.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

/// Removes a first segment such as `local.vault.skyflowapis.com`: it lets the official SDKs, which build their own
/// host name, reach a vault at another address.
pub(crate) fn without_host_segment(path: &str) -> &str {
    let rest = path.strip_prefix('/').unwrap_or(path);
    match rest.split_once('/') {
        Some((first, after)) if first.contains(".vault.skyflowapis") => {
            path.get(path.len() - after.len() - 1..).unwrap_or(path)
        }
        _ => path,
    }
}

/// Finds what a request means. The hosts of Skyflow share paths that this vault serves all: such a path means the
/// vault's operation when `is_known` says that its table or connection exists.
pub(crate) fn find(
    method: &Method,
    path: &str,
    is_known: impl FnOnce(Operation, &Parameters) -> bool,
) -> Target {
    let target = find_supported(method, path);
    match &target {
        Target::Operation(operation, parameters) if is_known(*operation, parameters) => target,
        _ => unsupported::find(method, path).map_or(target, Target::Unsupported),
    }
}

fn find_supported(method: &Method, path: &str) -> Target {
    if let Some(target) = connection(path) {
        return target;
    }
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut target = Target::Unknown;
    for route in ROUTES {
        let Some(parameters) = fit(route.template, &segments) else { continue };
        if route.method == *method {
            return Target::Operation(route.operation, parameters);
        }
        target = Target::OtherMethod;
    }
    target
}

/// Finds the connection that a path means; `route` is what follows its id, as it was sent.
fn connection(path: &str) -> Option<Target> {
    let (direction, rest) = path.strip_prefix("/v1/gateway/")?.split_once('/')?;
    let operation = match direction {
        "outboundRoutes" => Operation::ConnectionsInvokeOutbound,
        "inboundRoutes" => Operation::ConnectionsInvokeInbound,
        _ => return None,
    };
    let (id, route) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    let route = if route.is_empty() { "/" } else { route };
    let parameters = vec![("connection_id", id.to_owned()), ("route", route.to_owned())];
    Some(Target::Operation(operation, Parameters(parameters)))
}

fn fit(template: &'static str, segments: &[&str]) -> Option<Parameters> {
    let pattern: Vec<&'static str> = template.trim_start_matches('/').split('/').collect();
    if pattern.len() != segments.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (expected, segment) in pattern.into_iter().zip(segments) {
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => {
                parameters.push((name, percent_decode_str(segment).decode_utf8_lossy().into_owned()))
            }
            None if expected == *segment => {}
            None => return None,
        }
    }
    Some(Parameters(parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: Method, path: &str) -> Option<Operation> {
        match find_supported(&method, path) {
            Target::Operation(operation, _) => Some(operation),
            _ => None,
        }
    }

    #[test]
    fn literal_segments_win_over_tables() {
        assert_eq!(operation(Method::POST, "/v1/vaults/v/detokenize"), Some(Operation::TokensDetokenize));
        assert_eq!(operation(Method::POST, "/v1/vaults/v/cards"), Some(Operation::RecordsInsert));
    }

    #[test]
    fn path_parameters_are_decoded_once() {
        let Target::Operation(_, parameters) = find_supported(&Method::GET, "/v1/vaults/v/a%2Fb%20c/%2525")
        else {
            panic!("the path is known");
        };
        assert_eq!(parameters.get("table_name"), "a/b c");
        assert_eq!(parameters.get("id"), "%25");
    }

    #[test]
    fn unknown_paths_differ_from_unknown_methods() {
        assert_eq!(find_supported(&Method::PATCH, "/v1/vaults/v/t"), Target::OtherMethod);
        for path in ["/", "", "/v1", "/v1/vaults/", "/v1/vaults/v/t/id/more/x/y/z", "/v1/vaults//t"] {
            assert_eq!(find_supported(&Method::GET, path), Target::Unknown, "{path}");
        }
    }

    #[test]
    fn shared_paths_mean_what_the_vault_has() {
        let named = |method, path, known| match find(&method, path, |_, _| known) {
            Target::Operation(operation, _) => operation.name(),
            Target::Unsupported(operation) => operation.name,
            other => panic!("{path}: {other:?}"),
        };
        for (method, path, vault, elsewhere) in [
            (Method::GET, "/v1/vaults/v/versions", "records_list", "vaults_list_versions"),
            (Method::GET, "/v1/vaults/v/versions/1", "records_get", "vaults_get_version"),
            (
                Method::GET,
                "/v1/gateway/inboundRoutes/c",
                "connections_invoke_inbound",
                "connections_get_inbound",
            ),
            (
                Method::POST,
                "/v1/gateway/outboundRoutes/c/secret",
                "connections_invoke_outbound",
                "connections_upload_outbound_secret",
            ),
            // Not published with another meaning.
            (Method::GET, "/v1/vaults/v/cards", "records_list", "records_list"),
        ] {
            assert_eq!((named(method.clone(), path, true), path), (vault, path));
            assert_eq!((named(method, path, false), path), (elsewhere, path));
        }
        assert_eq!(named(Method::POST, "/v1/policies/assign", false), "policies_assign");
        assert_eq!(named(Method::GET, "/v1/policies/assign", false), "policies_get");
    }

    #[test]
    fn a_host_name_in_front_of_the_path_is_removed() {
        assert_eq!(without_host_segment("/local.vault.skyflowapis.com/v1/vaults/v"), "/v1/vaults/v");
        assert_eq!(without_host_segment("/x.vault.skyflowapis-preview.com/v1"), "/v1");
        assert_eq!(without_host_segment("/v1/vaults/v"), "/v1/vaults/v");
        assert_eq!(without_host_segment("/"), "/");
    }

    #[test]
    fn operations_have_unique_routes_and_names() {
        for route in ROUTES {
            let same = |other: &&Route| other.operation == route.operation || other.name == route.name;
            assert_eq!(ROUTES.iter().filter(same).count(), 1, "{}", route.name);
        }
    }
}
