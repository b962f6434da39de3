//! One change of the store at a time: contracts of a single change need no transaction of their own.

use chrono::{DateTime, Utc};
use rbac_sentinel::testing::error::Error;
use rbac_sentinel::testing::rbac::Assignment;
use rbac_sentinel::testing::store::{
    EndReason, NewSession, NewUser, ProfileChange, Rotation, RotationRequest, Store, User,
};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Error>;

/// Each change in a transaction of its own, which is committed if anything changed.
pub trait OneChange {
    fn insert_user(&self, new: &NewUser) -> impl Future<Output = Result<User>> + Send;
    fn update_user(
        &self,
        id: Uuid,
        change: &ProfileChange,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<(User, User, Vec<Uuid>)>> + Send;
    fn change_password(
        &self,
        id: Uuid,
        old: &str,
        new: &str,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Vec<Uuid>>>> + Send;
    fn set_initial_password(
        &self,
        id: Uuid,
        hash: &str,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Uuid>>> + Send;
    fn delete_user(
        &self,
        id: Uuid,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Uuid>>> + Send;
    fn grant_role(
        &self,
        user: Uuid,
        role: &str,
        by: Option<Uuid>,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<bool>> + Send;
    fn revoke_role(
        &self,
        user: Uuid,
        role: &str,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<bool>> + Send;
    fn start_session(
        &self,
        new: &NewSession,
        verified_hash: &str,
        renewed_hash: Option<&str>,
    ) -> impl Future<Output = Result<bool>> + Send;
    fn rotate(&self, request: &RotationRequest) -> impl Future<Output = Result<Rotation>> + Send;
    fn end_session(
        &self,
        session: Uuid,
        user: Uuid,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<bool>> + Send;
    fn end_sessions(
        &self,
        user: Uuid,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Uuid>>> + Send;
    fn end_oldest_sessions(
        &self,
        user: Uuid,
        most: u32,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<Vec<Uuid>>> + Send;
    fn remove_session(
        &self,
        session: Uuid,
        user: Uuid,
    ) -> impl Future<Output = Result<bool>> + Send;
}

/// Begins, changes, and commits or rolls back.
macro_rules! in_one_transaction {
    ($store:ident, $method:ident($($argument:expr),*)) => {
        in_one_transaction!($store, $method($($argument),*), |_| true)
    };
    ($store:ident, $method:ident($($argument:expr),*), $stays:expr) => {{
        let mut tx = $store.transaction().await?;
        let outcome = tx.$method($($argument),*).await;
        let stays: fn(&_) -> bool = $stays;
        if outcome.as_ref().is_ok_and(|done| !stays(done)) {
            tx.rollback().await;
            return outcome;
        }
        tx.finish(outcome).await
    }};
}

impl OneChange for Store {
    async fn insert_user(&self, new: &NewUser) -> Result<User> {
        in_one_transaction!(self, insert_user(new))
    }

    async fn update_user(
        &self,
        id: Uuid,
        change: &ProfileChange,
        at: DateTime<Utc>,
    ) -> Result<(User, User, Vec<Uuid>)> {
        in_one_transaction!(self, update_user(id, change, at))
    }

    async fn change_password(
        &self,
        id: Uuid,
        old: &str,
        new: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<Vec<Uuid>>> {
        in_one_transaction!(self, change_password(id, old, new, at), Option::is_some)
    }

    async fn set_initial_password(
        &self,
        id: Uuid,
        hash: &str,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        in_one_transaction!(self, set_initial_password(id, hash, until, at))
    }

    async fn delete_user(&self, id: Uuid, at: DateTime<Utc>) -> Result<Vec<Uuid>> {
        in_one_transaction!(self, delete_user(id, at))
    }

    async fn grant_role(
        &self,
        user: Uuid,
        role: &str,
        by: Option<Uuid>,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let given = Assignment::everywhere(role);
        in_one_transaction!(self, assign_role(user, &given, by, at))
    }

    async fn revoke_role(&self, user: Uuid, role: &str, at: DateTime<Utc>) -> Result<bool> {
        in_one_transaction!(self, revoke_role(user, role, None, at))
    }

    async fn start_session(
        &self,
        new: &NewSession,
        verified_hash: &str,
        renewed_hash: Option<&str>,
    ) -> Result<bool> {
        let stays = |started: &bool| *started;
        in_one_transaction!(self, start_session(new, verified_hash, renewed_hash), stays)
    }

    async fn rotate(&self, request: &RotationRequest) -> Result<Rotation> {
        in_one_transaction!(self, rotate(request), Rotation::must_commit)
    }

    async fn end_session(
        &self,
        session: Uuid,
        user: Uuid,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        in_one_transaction!(self, end_session(session, user, reason, at))
    }

    async fn end_sessions(
        &self,
        user: Uuid,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        in_one_transaction!(self, end_sessions(user, reason, at))
    }

    async fn end_oldest_sessions(
        &self,
        user: Uuid,
        most: u32,
        at: DateTime<Utc>,
    ) -> Result<Vec<Uuid>> {
        in_one_transaction!(self, end_oldest_sessions(user, most, at))
    }

    async fn remove_session(&self, session: Uuid, user: Uuid) -> Result<bool> {
        in_one_transaction!(self, remove_session(session, user))
    }
}
