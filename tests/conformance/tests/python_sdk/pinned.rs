//! The version of the official SDK that this one is compared with.

use super::venv::Package;

pub(crate) const SDK: Package = Package { name: "skyflow", version: "2.1.3" };
