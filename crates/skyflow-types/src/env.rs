use crate::ClusterId;
use crate::named_values::named_values;

/// Names the Skyflow environment a vault lives in; it decides the domain of the vault's URL.
///
/// The default is [`Env::Prod`], as in the Node, Go and Java SDKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Env {
    /// Production: `skyflowapis.com`.
    #[default]
    Prod,
    /// Sandbox: `skyflowapis-preview.com`.
    Sandbox,
    /// Staging: `skyflowapis.tech`.
    Stage,
    /// Development: `skyflowapis.dev`.
    Dev,
}

impl Env {
    /// Returns the registrable domain of this environment.
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Prod => "skyflowapis.com",
            Self::Sandbox => "skyflowapis-preview.com",
            Self::Stage => "skyflowapis.tech",
            Self::Dev => "skyflowapis.dev",
        }
    }

    /// Returns the base URL of the vaults of `cluster` in this environment, without a trailing slash.
    pub fn vault_url(self, cluster: &ClusterId) -> String {
        format!("https://{cluster}.vault.{}", self.domain())
    }

    /// Returns the base URL of the management host of this environment, without a trailing slash.
    pub fn management_url(self) -> String {
        format!("https://manage.{}", self.domain())
    }
}

named_values!(Env, "env", {
    Prod => "PROD",
    Sandbox => "SANDBOX",
    Stage => "STAGE",
    Dev => "DEV",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_have_the_hosts_of_official_sdks() {
        let cluster = ClusterId::new("abc").unwrap();
        let urls = [Env::Prod, Env::Sandbox, Env::Dev, Env::Stage].map(|env| env.vault_url(&cluster));
        assert_eq!(
            urls,
            [
                "https://abc.vault.skyflowapis.com",
                "https://abc.vault.skyflowapis-preview.com",
                "https://abc.vault.skyflowapis.dev",
                "https://abc.vault.skyflowapis.tech",
            ]
        );
        assert_eq!(Env::default(), Env::Prod);
        assert_eq!(Env::Prod.management_url(), "https://manage.skyflowapis.com");
        assert_eq!(Env::Sandbox.management_url(), "https://manage.skyflowapis-preview.com");
    }
}
