//! What every database engine must do, asked of the store itself.
//!
//! An engine is a function that opens the database belonging to a folder, and makes it when there
//! is none; `engines!` at the end names them. A contract is a function in one of the modules,
//! listed in `contracts!`.

mod accounts;
mod changes;
mod database;
mod housekeeping;
mod keys;
mod last_admin;
mod listing;
mod migrations;
mod plans;
mod roles;
mod rotation;
mod searching;
mod seeding;
mod sessions;
mod times;

use std::path::Path;
use std::time::Duration;

use rbac_sentinel::store::{Options, PostgresOptions, SqliteOptions, Store};

use self::database::Database;
pub use self::database::recorder;
use crate::harness::postgres;

/// The engine that is always there.
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
    ($then:ident! $engine:ident $open:ident) => {
        $then! { $engine $open
            accounts: an_account_is_found_by_id_name_and_address_in_any_case,
                the_address_keeps_how_it_was_written_and_compares_beyond_ascii,
                a_name_and_an_address_belong_to_one_account,
                of_many_at_once_exactly_one_gets_the_name,
                an_account_with_an_unknown_role_is_not_made_at_all,
                accounts_are_counted;
            changes: a_changed_profile_is_found_by_its_new_names_only,
                names_of_others_cannot_be_taken_by_a_change,
                a_change_of_nothing_changes_nothing,
                changing_nobody_is_not_found,
                disabling_ends_every_session_and_names_them,
                a_password_changes_only_from_the_hash_that_was_verified,
                deleting_takes_everything_along;
            housekeeping: of_many_who_reach_for_a_run_one_begins_it,
                a_run_begins_when_it_is_due_and_nobody_is_at_it,
                who_was_overtaken_removes_nothing,
                a_batch_is_bounded,
                sessions_go_when_their_time_is_over_and_no_sooner,
                rotated_tokens_go_and_reuse_of_those_kept_is_detected,
                signing_keys_go_long_after_they_retired;
            keys: keys_come_oldest_first_and_a_new_one_retires_the_others,
                a_retired_key_keeps_its_first_deadline,
                everything_is_there_after_a_restart,
                an_open_database_answers_and_a_closed_one_is_unavailable,
                writing_on_trial_leaves_nothing_behind;
            last_admin: the_last_administrator_stays,
                a_disabled_administrator_does_not_count,
                two_administrators_who_remove_one_another_leave_one;
            listing: pages_give_everybody_once_and_in_order,
                pages_stay_whole_while_accounts_are_made,
                the_last_page_says_that_it_is_the_last;
            roles: granting_and_revoking_say_whether_anything_changed,
                an_unknown_account_or_role_is_not_found,
                roles_come_sorted_and_exist_by_name;
            rotation: the_next_token_takes_the_place_of_the_presented_one,
                an_unknown_token_is_unknown,
                the_previous_token_gets_the_sealed_successor_within_the_grace_period,
                the_previous_token_after_the_grace_period_ends_the_family,
                a_token_before_the_previous_one_ends_the_family_at_once,
                a_session_not_refreshed_in_time_is_expired,
                no_refresh_outlives_the_session,
                an_ended_session_does_not_rotate,
                fifty_at_once_leave_one_living_chain;
            searching: a_search_finds_beginnings_of_names_and_addresses_in_any_case,
                characters_that_mean_something_to_sql_mean_themselves,
                a_search_is_paged_too,
                names_come_before_addresses_and_nobody_twice,
                a_search_goes_on_behind_accounts_that_are_gone,
                positions_of_other_searches_find_nobody_else;
            seeding: seeded_accounts_are_like_others,
                a_seed_goes_on_where_the_last_one_ended,
                a_seed_is_made_whole_or_not_at_all,
                a_name_that_only_looks_seeded_is_in_the_way;
            sessions: a_session_starts_only_with_the_current_hash_of_an_enabled_account,
                a_login_is_remembered_and_renews_the_hash,
                only_living_sessions_are_listed_newest_first,
                a_session_ends_once_and_only_for_its_owner,
                an_ended_session_can_be_removed_with_its_tokens,
                all_sessions_of_one_account_end_together,
                a_principal_stands_behind_living_sessions_alone,
                living_sessions_are_counted;
            times: times_come_back_to_the_microsecond,
                deadlines_compare_rightly_whole_or_fractional,
                keys_sort_rightly_by_whole_and_fractional_seconds;
        }
    };
}

/// A test for each contract, and one that runs them all and looks at what was executed.
macro_rules! tests_of_engine {
    ($engine:ident $open:ident $($subject:ident: $($contract:ident),+;)+) => {
        mod $engine {
            $(mod $subject {
                use super::super::{$subject, $open, Database};
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $contract() {
                    $subject::$contract(&Database::new(|folder| Box::pin($open(folder))).await).await;
                })+
            })+

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn the_contract_executes_every_statement_and_each_can_be_prepared() {
                use super::{$open, Database};
                let database = || Database::new(|folder| Box::pin($open(folder)));
                let before = super::executed(stringify!($engine));
                $($(super::$subject::$contract(&database().await).await;)+)+
                super::every_statement_was_executed(stringify!($engine), &before);
                database().await.store.prepare_all().await.expect("every statement is understood");
            }
        }
    };
}

/// How often each statement was executed so far, in the order of the catalogue.
fn executed(engine: &str) -> Vec<(&'static str, f64)> {
    let text = crate::harness::Metrics(recorder().render());
    let count = |name: &'static str| {
        let labels = [("db_system_name", engine), ("db_query_summary", name)];
        text.sum("db_client_operation_duration_seconds_count", &labels)
    };
    rbac_sentinel::store::sql::ALL
        .iter()
        .map(|statement| (statement.name, count(statement.name)))
        .collect()
}

fn every_statement_was_executed(engine: &str, before: &[(&'static str, f64)]) {
    let idle: Vec<_> = executed(engine)
        .into_iter()
        .zip(before)
        .filter(|((_, now), (_, before))| now <= before)
        .map(|((name, _), _)| name)
        .collect();
    assert!(idle.is_empty(), "no contract executes {idle:?} on {engine}");
}

macro_rules! engines {
    ($($engine:ident => $open:ident),+ $(,)?) => {
        $(contracts! { tests_of_engine! $engine $open })+
    };
}

engines! { sqlite => open_sqlite, postgresql => open_postgresql }
