//! The pages of the guide in `docs/guide`, so that their code is compiled and run. `cargo xtask ci guide` checks that none
//! is missing here.

macro_rules! pages {
    ($($name:ident: $page:literal,)+) => {
        $(#[doc = include_str!(concat!("../../docs/guide/src/", $page))] struct $name;)+
    };
}

pages! {
    FirstCall: "first-call.md",
    Credentials: "credentials.md",
    Vault: "vault.md",
    Redaction: "redaction.md",
    Sql: "sql.md",
    Detect: "detect.md",
    DetectV2: "detect-v2.md",
    Connections: "connections.md",
    RolesAndContext: "roles-and-context.md",
    SignedDataTokens: "signed-data-tokens.md",
    BrowserTokens: "browser-tokens.md",
    Management: "management.md",
    Errors: "errors.md",
    Retries: "retries.md",
    Logging: "logging.md",
    Network: "network.md",
    Production: "production.md",
    Testing: "testing.md",
    Blocking: "blocking.md",
    Scaivault: "scaivault.md",
    CustomStacks: "custom-stacks.md",
    Migrate: "migrate/index.md",
}
