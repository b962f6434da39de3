//! The service's endpoints as plain data: what clients and dashboards need to know of them.
//!
//! Everything else that holds for an endpoint stands in its record beside its handler, in `src/api`.

use crate::metrics::Method;

/// A method of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The operation id in the OpenAPI document; a page's name.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters in braces, which is also the label of the endpoint's metrics.
    pub template: &'static str,
    /// The service level objectives that count its requests.
    pub objectives: Objectives,
}

/// Which service level objectives count the requests of a path. Metrics are counted by path, so the
/// methods of one path have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objectives {
    /// None: requested by monitoring, not by users.
    Excluded,
    /// Availability.
    Availability,
    /// Availability, and the latency of requests that take a token.
    TokenLatency,
    /// Availability, and the latency of requests that hash a password.
    PasswordLatency,
}

macro_rules! endpoints {
    ($(#[$meta:meta])* $list:ident: $($name:ident = $method:ident $template:literal $id:literal $objectives:ident;)+) => {
        $(
            #[doc = concat!("`", $id, "`: ", stringify!($method), " `", $template, "`")]
            pub const $name: Endpoint = Endpoint {
                id: $id,
                method: Method::$method,
                template: $template,
                objectives: Objectives::$objectives,
            };
        )+

        $(#[$meta])*
        pub const $list: &[Endpoint] = &[$($name),+];
    };
}

endpoints! {
    /// Every operation of the OpenAPI document.
    OPERATIONS:
    // Refreshes through it have the bound of logins, which is the wider one: metrics know the path alone.
    TOKEN = Post "/oauth/token" "token" PasswordLatency;
    LOGIN = Post "/login" "login" PasswordLatency;
    REGISTER = Post "/register" "register" PasswordLatency;
    REVOKE = Post "/oauth/revoke" "revoke" Availability;
    LOGOUT = Post "/logout" "logout" Availability;
    READ_ME = Get "/users/me" "readMe" TokenLatency;
    UPDATE_ME = Patch "/users/me" "updateMe" TokenLatency;
    DELETE_ME = Delete "/users/me" "deleteMe" TokenLatency;
    REFRESH = Post "/refresh" "refresh" TokenLatency;
    CHANGE_MY_PASSWORD = Post "/users/me/password" "changeMyPassword" PasswordLatency;
    LIST_MY_PERMISSIONS = Get "/users/me/permissions" "listMyPermissions" Availability;
    LIST_MY_SESSIONS = Get "/users/me/sessions" "listMySessions" Availability;
    END_MY_SESSION = Delete "/users/me/sessions/{id}" "endMySession" Availability;
    ADMIN_ONLY = Get "/admin-only" "adminOnly" Availability;
    LIST_USERS = Get "/admin/users" "listUsers" Availability;
    CREATE_USER = Post "/admin/users" "createUser" Availability;
    READ_USER = Get "/admin/users/{id}" "readUser" Availability;
    UPDATE_USER = Patch "/admin/users/{id}" "updateUser" Availability;
    DELETE_USER = Delete "/admin/users/{id}" "deleteUser" Availability;
    LIST_USER_ROLES = Get "/admin/users/{id}/roles" "listUserRoles" Availability;
    LIST_USER_PERMISSIONS = Get "/admin/users/{id}/permissions" "listUserPermissions" Availability;
    GRANT_ROLE = Put "/admin/users/{id}/roles/{role}" "grantRole" Availability;
    REVOKE_ROLE = Delete "/admin/users/{id}/roles/{role}" "revokeRole" Availability;
    END_USER_SESSIONS = Delete "/admin/users/{id}/sessions" "endUserSessions" Availability;
    LIST_ROLES = Get "/admin/roles" "listRoles" Availability;
    CREATE_ROLE = Post "/admin/roles" "createRole" Availability;
    READ_ROLE = Get "/admin/roles/{name}" "readRole" Availability;
    PUT_ROLE = Put "/admin/roles/{name}" "putRole" Availability;
    UPDATE_ROLE = Patch "/admin/roles/{name}" "updateRole" Availability;
    DELETE_ROLE = Delete "/admin/roles/{name}" "deleteRole" Availability;
    LIST_PERMISSIONS = Get "/admin/permissions" "listPermissions" Availability;
    CREATE_PERMISSION = Post "/admin/permissions" "createPermission" Availability;
    READ_PERMISSION = Get "/admin/permissions/{name}" "readPermission" Availability;
    PUT_PERMISSION = Put "/admin/permissions/{name}" "putPermission" Availability;
    DELETE_PERMISSION = Delete "/admin/permissions/{name}" "deletePermission" Availability;
    LIST_EXCLUSIONS = Get "/admin/exclusive-roles" "listExclusiveRoles" Availability;
    PUT_EXCLUSION = Put "/admin/exclusive-roles/{name}" "putExclusiveRoles" Availability;
    DELETE_EXCLUSION = Delete "/admin/exclusive-roles/{name}" "deleteExclusiveRoles" Availability;
    READ_ROLE_USAGE = Get "/admin/roles/usage" "readRoleUsage" Availability;
    READ_SHADOW = Get "/admin/policy/shadow" "readShadow" Availability;
    EVALUATE = Post "/access/v1/evaluation" "evaluate" TokenLatency;
    EVALUATE_MANY = Post "/access/v1/evaluations" "evaluateMany" TokenLatency;
    EXPLAIN = Post "/access/v1/explain" "explain" Availability;
    FORWARD = Get "/authz/forward" "forwardAuth" TokenLatency;
    LIST_RESOURCE_TYPES = Get "/admin/resources" "listResourceTypes" Availability;
    LIST_RESOURCES = Get "/admin/resources/{type}" "listResources" Availability;
    PUT_RESOURCE_TYPE = Put "/admin/resources/{type}" "putResourceType" Availability;
    DELETE_RESOURCE_TYPE = Delete "/admin/resources/{type}" "deleteResourceType" Availability;
    CHANGE_RESOURCES = Post "/admin/resources/{type}/batch" "changeResources" Availability;
    READ_RESOURCE = Get "/admin/resources/{type}/{entity}" "readResource" Availability;
    PUT_RESOURCE = Put "/admin/resources/{type}/{entity}" "putResource" Availability;
    DELETE_RESOURCE = Delete "/admin/resources/{type}/{entity}" "deleteResource" Availability;
    LIST_SUBJECT_TYPES = Get "/admin/subjects" "listSubjectTypes" Availability;
    LIST_SUBJECTS = Get "/admin/subjects/{type}" "listSubjects" Availability;
    PUT_SUBJECT_TYPE = Put "/admin/subjects/{type}" "putSubjectType" Availability;
    DELETE_SUBJECT_TYPE = Delete "/admin/subjects/{type}" "deleteSubjectType" Availability;
    CHANGE_SUBJECTS = Post "/admin/subjects/{type}/batch" "changeSubjects" Availability;
    READ_SUBJECT = Get "/admin/subjects/{type}/{entity}" "readSubject" Availability;
    PUT_SUBJECT = Put "/admin/subjects/{type}/{entity}" "putSubject" Availability;
    DELETE_SUBJECT = Delete "/admin/subjects/{type}/{entity}" "deleteSubject" Availability;
    SEARCH_SUBJECTS = Post "/access/v1/search/subject" "searchSubjects" Availability;
    SEARCH_RESOURCES = Post "/access/v1/search/resource" "searchResources" Availability;
    SEARCH_ACTIONS = Post "/access/v1/search/action" "searchActions" Availability;
    JWKS = Get "/.well-known/jwks.json" "jwks" Availability;
    OAUTH_METADATA = Get "/.well-known/oauth-authorization-server" "oauthMetadata" Availability;
    OPENID_METADATA = Get "/.well-known/openid-configuration" "openidConfiguration" Availability;
    AUTHZEN_METADATA = Get "/.well-known/authzen-configuration" "authzenConfiguration" Availability;
    HEALTH = Get "/health" "health" Excluded;
}

endpoints! {
    /// Paths beside the documented operations.
    PAGES:
    HOME = Get "/" "home" Availability;
    SWAGGER = Get "/docs" "docs" Availability;
    REDOC = Get "/redoc" "redoc" Availability;
    OPENAPI_JSON = Get "/openapi.json" "openapiJson" Availability;
    OPENAPI_YAML = Get "/openapi.yaml" "openapiYaml" Availability;
    PROBLEMS = Get "/problems" "problems" Availability;
    PROBLEM = Get "/problems/{code}" "problem" Availability;
    METRICS = Get "/metrics" "metrics" Excluded;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Endpoint> {
        [OPERATIONS, PAGES].concat()
    }

    #[test]
    fn ids_and_methods_of_paths_are_unique() {
        for endpoint in all() {
            let same = |other: &&Endpoint| {
                other.id == endpoint.id
                    || (other.method, other.template) == (endpoint.method, endpoint.template)
            };
            assert_eq!(all().iter().filter(same).count(), 1, "{endpoint:?}");
        }
    }

    #[test]
    fn methods_of_one_path_have_the_same_objectives() {
        for endpoint in all() {
            for other in all() {
                assert!(
                    endpoint.template != other.template || endpoint.objectives == other.objectives,
                    "{endpoint:?} {other:?}"
                );
            }
        }
    }
}
