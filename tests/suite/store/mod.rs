//! Contracts of the store that every database engine must keep.
//!
//! An engine is a function that opens the database belonging to a folder, and creates it if there
//! is none; `engines!` at the end names them. A contract is a function in one of the modules,
//! listed in `contracts!`.

mod accounts;
mod changes;
mod database;
mod entities;
mod holders;
mod housekeeping;
mod keys;
mod last_admin;
mod listing;
mod migrations;
mod one_change;
mod plans;
mod policy;
mod roles;
mod rotation;
mod searching;
mod seeding;
mod sessions;
mod statements;
mod times;
mod transactions;

use std::path::Path;
use std::time::Duration;

use rbac_sentinel::testing::store::{Options, PostgresOptions, SqliteOptions, Store};

use self::database::Database;
pub use self::database::recorder;
use crate::harness::postgres;
use crate::support::with_attributes;

/// The embedded engine, which needs no server.
async fn open_sqlite(folder: &Path) -> Store {
    let options = SqliteOptions {
        url: folder.join("contract.db").display().to_string(),
        readers: 4,
        synchronous_full: false,
        // Long enough for every test to wait its turn on a slow machine.
        acquire_timeout: Duration::from_mins(1),
    };
    let store = Store::open(&Options::Sqlite(options)).await;
    store.expect("the database opens")
}

/// A schema of its own on the server that the tests are given.
async fn open_postgresql(folder: &Path) -> Store {
    let options = PostgresOptions {
        url: postgres::schema_of(folder).await,
        max_connections: 8,
        acquire_timeout: Duration::from_mins(1),
        statement_timeout: Duration::from_mins(1),
        application_name: "store-contract".to_owned(),
    };
    let store = Store::open(&Options::Postgres(options)).await;
    store.expect("the database opens")
}

/// Hands every contract to another macro.
macro_rules! contracts {
    ($then:ident! $marks:tt $engine:ident $open:ident) => {
        $then! { $marks $engine $open
            accounts: account_is_found_by_id_username_and_email_in_any_case,
                email_keeps_its_case_and_compares_beyond_ascii,
                address_of_an_earlier_version_is_found_and_stays_unique,
                username_and_email_are_unique,
                concurrent_creations_of_one_username_create_one,
                account_with_unknown_role_is_not_created,
                accounts_are_counted;
            changes: profile_change_replaces_username_and_email,
                profile_change_cannot_take_names_of_others,
                empty_profile_change_changes_nothing,
                change_of_unknown_account_is_not_found,
                disabling_ends_and_returns_every_session,
                password_changes_only_from_the_verified_hash,
                deletion_removes_everything_of_the_account;
            entities: types_are_a_part_of_the_policy,
                deleted_type_takes_its_entities_with_it,
                type_with_very_many_entities_is_not_deleted,
                entities_are_created_replaced_and_deleted,
                entities_of_an_unknown_type_are_not_written,
                entities_are_listed_in_the_order_of_bytes,
                registered_ones_of_many_ids_are_found;
            holders: holders_of_many_roles_are_found_in_order_by_pages,
                limited_assignments_count_for_their_resources_and_until_they_end,
                holders_have_all_their_roles_and_say_whether_they_are_disabled;
            housekeeping: concurrent_housekeeping_begins_once,
                housekeeping_begins_when_due_and_not_running,
                housekeeping_that_lost_its_lease_removes_nothing,
                housekeeping_batch_is_bounded,
                housekeeping_removes_expired_sessions_only,
                housekeeping_removes_rotated_tokens_and_reuse_stays_detected,
                housekeeping_removes_long_retired_signing_keys;
            keys: keys_are_listed_first_published_first_until_they_end,
                everything_survives_a_restart,
                ping_answers_on_open_and_fails_on_closed_database,
                changes_of_signing_keys_wait_for_each_other,
                signing_key_is_resealed_and_deleted,
                write_check_leaves_nothing_behind;
            last_admin: last_administrator_cannot_be_removed,
                disabled_administrator_does_not_count,
                administrator_with_expired_initial_password_does_not_count,
                new_initial_password_ends_every_session,
                account_of_the_probe_is_no_administrator,
                two_administrators_removing_each_other_leave_one_in_the_store;
            listing: pages_list_every_account_once_in_order,
                pages_are_stable_while_accounts_are_created,
                last_page_has_no_next_position;
            policy: policy_is_stored_as_it_was_changed,
                policy_changes_run_one_after_the_other,
                role_that_is_held_is_not_removed,
                limited_assignments_are_changed_and_revoked,
                last_administrator_gets_no_end,
                exclusion_counts_inherited_roles_and_living_assignments,
                usage_is_noted_of_roles_that_exist;
            roles: granting_and_revoking_roles_return_whether_something_changed,
                role_of_unknown_account_or_unknown_role_is_not_found,
                roles_are_sorted_and_found_by_name;
            rotation: rotation_replaces_the_presented_token,
                rotation_narrows_the_session_and_never_widens_it,
                rotation_of_unknown_token_is_unknown,
                rotation_of_unused_parent_returns_the_sealed_successor_however_late,
                rotation_of_used_parent_is_honoured_within_grace_once,
                rotation_of_used_parent_by_another_client_ends_the_session,
                rotation_of_used_parent_after_grace_ends_the_session,
                suspicious_replays_in_two_generations_in_a_row_end_the_session,
                rotation_of_older_token_ends_the_session_at_once,
                rotation_of_idle_session_is_expired,
                rotation_does_not_outlive_the_session,
                rotation_of_ended_session_is_rejected,
                fifty_concurrent_rotations_leave_one_chain;
            searching: search_finds_prefixes_in_any_case,
                search_treats_sql_wildcards_literally,
                search_is_paged,
                search_lists_username_matches_before_email_matches_without_duplicates,
                search_continues_after_deleted_accounts,
                search_position_of_another_search_finds_no_other_accounts;
            seeding: seeded_accounts_are_like_others,
                seeding_continues_where_it_ended,
                seeding_is_all_or_nothing,
                seeding_fails_on_a_taken_username;
            sessions: session_starts_only_with_current_hash_of_enabled_account,
                session_start_stores_login_time_and_new_hash,
                active_sessions_are_listed_newest_first,
                session_ends_once_and_only_for_its_owner,
                ended_session_is_removed_with_its_tokens,
                all_sessions_of_one_account_end_together,
                oldest_sessions_beyond_the_most_end,
                principal_is_found_for_active_sessions_only,
                active_sessions_are_counted;
            times: times_are_stored_to_the_microsecond,
                deadlines_compare_with_and_without_fractional_seconds,
                keys_sort_with_and_without_fractional_seconds;
            transactions: transaction_stores_all_changes_together,
                rollback_undoes_every_change,
                error_undoes_earlier_changes_of_the_transaction,
                dropped_transaction_is_rolled_back,
                rolled_back_rotation_leaves_the_token_usable,
                reuse_ends_the_session_once_committed;
        }
    };
}

/// A test for each contract, and one that runs all of them in another process and checks which statements
/// were executed there.
macro_rules! tests_of_engine {
    ($marks:tt $engine:ident $open:ident $($subject:ident: $($contract:ident),+;)+) => {
        mod $engine {
            $(mod $subject {
                use super::super::{$subject, $open, Database, with_attributes};
                $(with_attributes! { $marks
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $contract() {
                        $subject::$contract(&Database::new(|folder| Box::pin($open(folder))).await).await;
                    }
                })+
            })+

            super::with_attributes! { $marks
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn every_statement_can_be_prepared() {
                    use super::{$open, Database};
                    let database = Database::new(|folder| Box::pin($open(folder))).await;
                    database.store.prepare_all().await.expect("every statement is understood");
                }
            }

            super::with_attributes! { $marks
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn every_statement_is_executed_by_a_contract() {
                    use std::pin::Pin;

                    use super::{$open, Database};
                    use crate::support::alone::in_a_process_of_its_own;
                    let test = "every_statement_is_executed_by_a_contract";
                    if !in_a_process_of_its_own(module_path!(), test) {
                        return;
                    }
                    let database = &|| Database::new(|folder| Box::pin($open(folder)));
                    let contracts: Vec<Pin<Box<dyn Future<Output = ()>>>> = vec![
                        $($(super::boxed(move || async move {
                            super::$subject::$contract(&database().await).await;
                        }),)+)+
                    ];
                    super::statements::all_are_executed_by(contracts, stringify!($engine)).await;
                }
            }
        }
    };
}

/// A contract's future, made in a function of its own: all of them in one frame overflow the stack.
fn boxed<'a, F: Future<Output = ()> + 'a>(
    make: impl FnOnce() -> F,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + 'a>> {
    Box::pin(make())
}

macro_rules! engines {
    ($($marks:tt $engine:ident => $open:ident),+ $(,)?) => {
        $(contracts! { tests_of_engine! $marks $engine $open })+
    };
}

engines! {
    [] sqlite => open_sqlite,
    [#[ignore = "needs PostgreSQL: scripts/test"]] postgresql => open_postgresql,
}
