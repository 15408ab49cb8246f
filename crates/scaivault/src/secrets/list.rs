use super::{SecretInfo, SecretVersion, Secrets};
use crate::api::secrets;
use crate::call::{page_setters, setters};
use crate::mode::Mode;
use crate::page::paged;
use crate::secrets::read::checked;
use crate::syntax::checked_prefix;
use crate::{Call, InvalidInput, Page, SecretPath};

paged! {
    secrets::List => SecretList.data as SecretInfo;
    secrets::ListVersions => SecretVersionList.versions as SecretVersion;
}

impl crate::page::Paged for secrets::ListExpiring {
    fn at(self, cursor: String) -> Self {
        self.cursor(cursor)
    }
}

impl<M: Mode> Secrets<M> {
    /// Lists secrets without their data: one page, or all of them with [`Call::items`].
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let page = client.secrets().list().prefix("environments/production/").limit(50).await?;
    /// for secret in &page.data {
    ///     println!("{} {:?}", secret.path, secret.version);
    /// }
    /// let mut all = client.secrets().list().prefix("environments/production/").items();
    /// while let Some(secret) = all.try_next().await? {
    ///     println!("{}", secret.path);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> Call<secrets::List, Page<SecretInfo>, M> {
        self.call(secrets::List::new())
    }

    /// Lists the versions of a secret.
    pub fn versions<P>(&self, path: P) -> Call<secrets::ListVersions, Page<SecretVersion>, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        self.try_call(checked(path).map(secrets::ListVersions::new))
    }

    /// Lists secrets that expire soon.
    pub fn list_expiring(&self) -> Call<secrets::ListExpiring, Page<SecretInfo>, M> {
        self.call(secrets::ListExpiring::new())
    }
}

page_setters!(secrets::List, secrets::ListVersions, secrets::ListExpiring);

setters!(secrets::ListExpiring {
    /// Lists secrets that expire within this number of days.
    days(days: u32) => |list| list.days(days.into());
});

impl<T, M: Mode> Call<secrets::List, T, M> {
    /// Lists paths that begin with this text, which may end inside a level.
    pub fn prefix(self, prefix: impl AsRef<str>) -> Self {
        self.checked(checked_prefix(prefix.as_ref()), |list, prefix| list.prefix(prefix))
    }
}

impl<T, M: Mode> Call<secrets::ListExpiring, T, M> {
    /// Lists paths that begin with this text, which may end inside a level.
    pub fn prefix(self, prefix: impl AsRef<str>) -> Self {
        self.checked(checked_prefix(prefix.as_ref()), |list, prefix| list.prefix(prefix))
    }
}
