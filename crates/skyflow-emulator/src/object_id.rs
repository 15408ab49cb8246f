//! Ids of vaults, accounts and roles.

use skyflow_testkit::Random;

/// Returns an id as Skyflow gives vaults, accounts and roles: 32 characters, a letter first.
pub(crate) fn object_id() -> String {
    let [first] = Random::system().bytes();
    let letter = char::from(b'a' + first % 26);
    format!("{letter}{}", Random::system().hex(31))
}
