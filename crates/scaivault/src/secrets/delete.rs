use super::{DeletedSecret, SecretInfo, Secrets};
use crate::api::secrets;
use crate::mode::Mode;
use crate::secrets::read::checked;
use crate::{Call, InvalidInput, SecretPath};

impl<M: Mode> Secrets<M> {
    /// Deletes a secret. It can be restored until its retention ends, unless [`permanent`](Call::permanent) is set.
    pub fn delete<P>(&self, path: P) -> Call<secrets::Delete, DeletedSecret, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let path = checked(path);
        let changed = path.as_ref().ok().cloned();
        self.try_call(path.map(secrets::Delete::new)).changing(changed).gone_is(DeletedSecret::gone)
    }

    /// Restores a deleted secret with all its versions.
    pub fn undelete<P>(&self, path: P) -> Call<secrets::Undelete, SecretInfo, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let path = checked(path);
        let changed = path.as_ref().ok().cloned();
        self.try_call(path.map(secrets::Undelete::new)).changing(changed)
    }
}

impl<T, M: Mode> Call<secrets::Delete, T, M> {
    /// Deletes the secret for good.
    pub fn permanent(self, yes: bool) -> Self {
        self.with(|delete| delete.permanent(yes))
    }
}
