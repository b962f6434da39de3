//! Requests, and the connections below them.

use crate::metrics::label_set::label_set;

label_set! {
    /// HTTP methods; anything else is `_OTHER` (OpenTelemetry).
    pub enum Method ["http_request_method"] {
        /// GET
        Get = ["GET"],
        /// HEAD
        Head = ["HEAD"],
        /// POST
        Post = ["POST"],
        /// PUT
        Put = ["PUT"],
        /// PATCH
        Patch = ["PATCH"],
        /// DELETE
        Delete = ["DELETE"],
        /// OPTIONS
        Options = ["OPTIONS"],
        /// Anything else.
        Other = ["_OTHER"],
    }
}

label_set! {
    /// URL schemes.
    pub enum Scheme ["url_scheme"] {
        /// Plain HTTP; a proxy may terminate TLS in front of the service.
        Http = ["http"],
        /// The service terminates TLS.
        Https = ["https"],
    }
}

label_set! {
    /// The listeners.
    pub enum Listener ["listener"] {
        /// The public API.
        Api = ["api"],
        /// Metrics and probes.
        Ops = ["ops"],
    }
}

label_set! {
    /// Why a connection ended.
    pub enum ConnectionEnd ["reason"] {
        /// Closed regularly by the client or by the service.
        Closed = ["closed"],
        /// Idle for too long.
        Idle = ["idle"],
        /// The TLS handshake failed or took too long.
        Tls = ["tls"],
        /// The head of a request took too long.
        Header = ["header"],
        /// The body of a request took too long.
        Body = ["body"],
        /// The client did not read its response.
        Write = ["write"],
        /// The limit of connections was reached.
        Refused = ["refused"],
        /// The limit of connections of its source was reached.
        Source = ["source"],
        /// The service stopped.
        Shutdown = ["shutdown"],
    }
}
